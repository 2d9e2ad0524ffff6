"""Words of column names in some thirty languages: which say that a column is about people, places or firms, which not.

Source: written by hand; everyday labels of forms, letters with and without accents alike (they are dropped before a
word is looked up). Words of scripts without capitals and blanks are looked for anywhere in a name.
"""

from __future__ import annotations

FIRST = """first name|firstname|fname|f name|forename|given name|givenname|given|givennames|given names|christian name|
nickname|nick name|preferred name|vorname|vornamen|rufname|prenom|prenoms|nombre de pila|nombres|primer nombre|
nome proprio|primeiro nome|prenome|voornaam|voornamen|roepnaam|fornamn|fornavn|etunimi|imie|imiona|jmeno krestni|
krestni jmeno|krstne meno|keresztnev|utonev|prenume|adi|isim|on ad|ime|imya|imja|imena|vards|vardas|eesnimi|onoma|
mikro onoma|nama depan|ten|nama pertama|ism|pangalan|middle name|middlename|mname|second name|deuxieme prenom|
zweiter vorname|patronymic|otchestvo|first|firstnm|first nm|имя|отчество|име|собствено име|ім'я|імя|όνομα|اسم اول|
الاسم الأول|الاسم الاول|שם פרטי|نام کوچک|प्रथम नाम|पहला नाम|名字|名前|名（漢字）|下の名前|이름|ชื่อจริง"""

LAST = """last name|lastname|lname|l name|surname|sur name|family name|familyname|maiden name|birth name|nachname|
familienname|zuname|geburtsname|nom de famille|nom famille|nom de naissance|apellido|apellidos|primer apellido|
segundo apellido|apellido paterno|apellido materno|sobrenome|apelido|apelidos|ultimo nome|cognome|cognomi|achternaam|
familienaam|efternamn|etternavn|efternavn|sukunimi|nazwisko|nazwiska|prijmeni|priezvisko|vezeteknev|csaladnev|
nume de familie|nume familie|soyad|soyadi|soy ad|soyisim|prezime|priimek|familiya|familia|familija|uzvards|pavarde|
perekonnanimi|eponymo|eponimo|nama belakang|ho|last|lastnm|last nm|фамилия|фамилно име|прізвище|презиме|επώνυμο|
επίθετο|اسم العائلة|اللقب|שם משפחה|نام خانوادگی|उपनाम|कुलनाम|姓氏|苗字|名字（姓）|성씨|นามสกุล"""

FULL = """full name|fullname|complete name|legal name|person name|personal name|display name|name of person|
vollstandiger name|voller name|nom complet|nom et prenom|nom prenom|prenom nom|nombre completo|nombre y apellidos|
nombres y apellidos|nome completo|nome e cognome|cognome e nome|nome cognome|volledige naam|fullstandigt namn|
fullt navn|koko nimi|imie i nazwisko|nazwisko i imie|jmeno a prijmeni|meno a priezvisko|teljes nev|nume complet|
nume si prenume|ad soyad|adi soyadi|isim soyisim|ime i prezime|ime in priimek|fio|onomateponymo|nama lengkap|ho ten|
ho va ten|фио|полное имя|имя и фамилия|име и фамилия|піб|повне ім'я|ονοματεπώνυμο|الاسم الكامل|الاسم|שם מלא|
نام و نام خانوادگی|पूरा नाम|姓名|氏名|お名前|성명|ชื่อ-นามสกุล|ชื่อสกุล"""

PERSON = """customer|cust|client|klient|kunde|klant|cliente|asiakas|kund|zakaznik|ugyfel|musteri|pelanggan|employee|
empl|emp|mitarbeiter|mitarbeiterin|employe|empleado|empregado|funcionario|dipendente|medewerker|werknemer|anstalld|
ansatt|pracownik|zamestnanec|alkalmazott|angajat|calisan|personel|karyawan|patient|paciente|paziente|pacjent|member|
mitglied|membre|miembro|membro|lid|owner|proprietaire|propietario|proprietario|eigenaar|eigentumer|inhaber|wlasciciel|
contact|kontakt|contacto|contato|contatto|contactpersoon|ansprechpartner|assignee|assigned to|assigned|author|auteur|
autor|autore|writer|editor|reporter|reviewer|approver|requester|requestor|submitter|sender|recipient|receiver|
empfanger|destinataire|destinatario|payee|payer|beneficiary|cardholder|card holder|account holder|holder|titular|
titulaire|kontoinhaber|signer|signatory|student|pupil|eleve|alumno|aluno|schuler|leerling|uczen|teacher|lehrer|
professor|professeur|profesor|doctor|physician|arzt|medecin|medico|nurse|surgeon|guest|gast|passenger|passagier|
visitor|attendee|participant|teilnehmer|candidate|kandidat|candidat|candidato|applicant|bewerber|nominee|driver|fahrer|
pilot|manager|supervisor|boss|director|chairman|president|senator|governor|mayor|congressman|representative|politician|
minister|judge|lawyer|attorney|plaintiff|defendant|witness|victim|suspect|officer|agent|salesperson|sales rep|rep|
advisor|adviser|father|mother|spouse|husband|wife|parent|child|son|daughter|brother|sister|guardian|next of kin|
emergency contact|kin|person|persona|personne|pessoa|persoon|persoana|osoba|osobe|henkilo|kisi|individual|people|
player|joueur|jugador|jogador|spieler|actor|actress|winner|runner|athlete|coach|trainer|captain|pitcher|batter|singer|
composer|artist|painter|scientist|researcher|investigator|creator|created by|modified by|updated by|approved by|
prepared by|reviewed by|signed by|submitted by|insured|tenant|landlord|mieter|vermieter|buyer|seller|kaufer|verkaufer|
donor|voter|resident|inventor|founder|ceo|host|speaker|leader|claimant|клиент|сотрудник|пациент|владелец|автор|контакт|
заказчик|получатель|отправитель|студент|учитель|врач|клієнт|пацієнт|πελάτης|υπάλληλος|συγγραφέας|العميل|الموظف|المريض|
לקוח|عميل|مشتری|ग्राहक|客户|客戶|员工|患者|顧客|社員|担当者|著者|고객|직원|환자|ลูกค้า"""

NAME = """name|names|nm|naam|navn|namn|nom|nome|nombre|nimi|nazwa|nev|nume|ad|isim|meno|jmeno|naziv|nama|cleanname|имя|
название|име|назва|όνομα|اسم|שם|نام|नाम|名称|名稱|名|이름|명|ชื่อ"""

CITY = """city|town|place|locality|municipality|village|borough|suburb|neighborhood|neighbourhood|birthplace|
place of birth|birth place|hometown|home town|county|district|constituency|stadt|ort|ortschaft|wohnort|geburtsort|
gemeinde|ville|commune|localite|lieu|lieu de naissance|ciudad|localidad|municipio|poblacion|cidade|localidade|
naturalidade|citta|comune|localita|luogo|luogo di nascita|stad|plaats|woonplaats|gemeente|geboorteplaats|poststed|
kommun|kommune|kaupunki|paikkakunta|kunta|miasto|miejscowosc|gmina|mesto|obec|varos|telepules|oras|localitate|sehir|
ilce|il|grad|kota|thanh pho|poli|πόλη|город|населенный пункт|місто|град|مدينة|المدينة|עיר|شهر|शहर|城市|市区町村|市|都市|
도시|เมือง"""

COUNTRY = """country|countries|nation|state|province|region|territory|continent|nationality|citizenship|land|staat|
bundesland|kanton|pays|etat|departement|pais|estado|provincia|provincie|paese|nazione|stato|regione|maa|kraj|
wojewodztwo|zeme|krajina|orszag|megye|tara|judet|ulke|drzava|zemlja|negara|quoc gia|xora|χώρα|страна|область|регион|
країна|държава|دولة|البلد|الدولة|מדינה|ארץ|کشور|देश|राज्य|国家|國家|国|省|都道府県|국가|나라|ประเทศ|จังหวัด"""

COMPANY = """company|companies|firm|employer|organization|organisation|org|organisme|corporation|corp|business|vendor|
supplier|manufacturer|mfr|publisher|brand|bank|institution|agency|airline|carrier|operator|merchant|retailer|store|
shop|restaurant|hotel|firma|unternehmen|arbeitgeber|lieferant|hersteller|gesellschaft|verein|societe|entreprise|
employeur|fournisseur|empresa|compania|sociedad|proveedor|fabricante|entidade|fornecedor|azienda|societa|ditta|
fornitore|bedrijf|bedrijfsnaam|leverancier|werkgever|foretag|bolag|firmanavn|virksomhed|selskap|yritys|
przedsiebiorstwo|spolka|pracodawca|spolecnost|podnik|spolocnost|ceg|vallalat|companie|sirket|isveren|tvrtka|podjetje|
poduzece|perusahaan|cong ty|etaireia|εταιρεία|компания|организация|предприятие|работодатель|компанія|фирма|شركة|الشركة|
חברה|شرکت|कंपनी|公司|企业|会社|会社名|企業|회사|บริษัท"""

STREET = """street|address|addr|address line|address1|address2|street address|road|home address|mailing address|
billing address|shipping address|residence|strasse|str|anschrift|adresse|hausanschrift|rue|voie|domicile|calle|
direccion|domicilio|rua|endereco|morada|logradouro|via|indirizzo|straat|adres|straatnaam|gata|gatuadress|adress|gate|
vej|katu|osoite|katuosoite|ulica|ulice|utca|cim|lakcim|strada|adresa|adrese|sokak|cadde|naslov|alamat|dia chi|odos|
διεύθυνση|οδός|адрес|улица|адреса|вулиця|عنوان|العنوان|شارع|כתובת|רחוב|آدرس|पता|地址|住所|番地|주소|ที่อยู่"""

POSTCODE = """zip|zip code|zipcode|postcode|post code|postal code|postal|plz|postleitzahl|code postal|cp|codigo postal|
cep|cap|codice postale|postnummer|postnr|postinumero|kod pocztowy|psc|iranyitoszam|cod postal|posta kodu|
postanski broj|postna stevilka|kode pos|индекс|почтовый индекс|індекс|пощенски код|τκ|الرمز البريدي|מיקוד|کد پستی|
पिन कोड|邮编|邮政编码|郵便番号|우편번호|รหัสไปรษณีย์"""

BIRTH = """date of birth|birth date|birthdate|birthday|dob|born|born on|birth dt|geburtsdatum|geburtstag|geboren|
date de naissance|date naissance|ne le|fecha de nacimiento|fecha nacimiento|nacimiento|data de nascimento|
data nascimento|nascimento|data di nascita|nascita|geboortedatum|fodelsedatum|fodselsdato|fodelsedag|syntymaaika|
data urodzenia|datum narozeni|datum narodenia|szuletesi datum|szuletesi ido|data nasterii|dogum tarihi|datum rodenja|
datum rojstva|tanggal lahir|ngay sinh|дата рождения|дата народження|дата на раждане|ημερομηνία γέννησης|تاريخ الميلاد|
תאריך לידה|تاریخ تولد|जन्म तिथि|出生日期|生年月日|생년월일|วันเกิด"""

GENDER = """gender|sex|geschlecht|anrede|sexe|genre|sexo|genero|sesso|genere|geslacht|kon|kjonn|sukupuoli|plec|pohlavi|
pohlavie|nem|cinsiyet|spol|jenis kelamin|gioi tinh|fylo|пол|стать|φύλο|الجنس|מין|جنسیت|लिंग|性别|性別|성별|เพศ"""

TEXT = """comment|comments|note|notes|remark|remarks|description|desc|text|body|message|msg|content|summary|details|
feedback|review|abstract|bio|biography|memo|narrative|question|answer|reason|bemerkung|bemerkungen|kommentar|
beschreibung|notiz|nachricht|commentaire|commentaires|remarque|comentario|comentarios|descripcion|observaciones|nota|
notas|mensaje|descricao|observacoes|mensagem|commento|commenti|descrizione|osservazioni|messaggio|opmerking|
opmerkingen|beschrijving|beskrivning|anteckning|beskrivelse|bemaerkning|huomautus|kuvaus|uwagi|komentarz|opis|poznamka|
popis|megjegyzes|leiras|observatii|descriere|aciklama|yorum|not|napomena|catatan|keterangan|ghi chu|комментарий|
описание|примечание|сообщение|коментар|опис|σχόλια|περιγραφή|تعليق|ملاحظات|وصف|הערות|תיאור|توضیحات|टिप्पणी|विवरण|备注|描述|
评论|備考|説明|コメント|비고|설명|หมายเหตุ"""

THING = """id|ids|no|nr|num|number|code|key|type|kind|category|class|group|status|level|grade|rank|score|rating|
count|total|amount|price|cost|unit|size|color|colour|shape|date|time|year|month|day|weekday|hour|file|filename|
path|folder|directory|url|uri|link|website|site|domain|host|hostname|server|ip|email|mail|e mail|phone|tel|
mobile|fax|username|user name|login|userid|user id|account|screen name|handle|slug|tag|tags|label|topic|subject|
title|job|occupation|profession|position|role|department|dept|division|team|club|school|college|university|
course|major|degree|language|currency|product|item|sku|model|make|car|vehicle|series|version|release|package|
module|function|table|variety|event|game|match|opponent|opp|song|track|album|band|genre|movie|film|book|journal|
show|episode|species|genus|breed|animal|pet|dog|cat|plant|bird|fish|food|dish|drink|recipe|ingredient|gene|
protein|compound|chemical|element|drug|substance|medication|disease|diagnosis|condition|symptom|treatment|
procedure|test|street name|station|stop|park|lake|river|mountain|peak|island|airport|building|hurricane|storm|
party|religion|race|ethnicity|sector|industry|discipline|crime|offense|holiday|sport|league|season|stadium|
ball park|star|planet|constellation|dataset|cluster|experiment|project|task|process|program|component|
category name|format|extension|beruf|abteilung|produkt|artikel|farbe|sprache|wahrung|titel|betreff|datei|
benutzername|nutzername|metier|produit|couleur|langue|monnaie|titre|fichier|utilisateur|nom utilisateur|
nom d utilisateur|puesto|producto|idioma|moneda|titulo|archivo|usuario|nombre de usuario|cargo|profissao|
produto|cor|arquivo|moeda|professione|prodotto|colore|lingua|valuta|titolo|utente|beroep|kleur|taal|bestand|
yrke|farg|sprak|ammatti|tuote|vari|zawod|stanowisko|kolor|jezyk|povolani|barva|foglalkozas|termek|szin|meslek|
urun|renk|dil|zanimanje|pekerjaan|produk|warna|профессия|должность|товар|продукт|цвет|язык|название|тип|
категория|професія|посада|المهنة|المنتج|اللون|职业|职位|产品|商品|颜色|语言|職業|商品名|色|言語|직업|제품|색상|อาชีพ|สินค้า"""

GENDERS = """m|f|male|female|man|woman|men|women|mann|frau|herr|weiblich|mannlich|männlich|homme|femme|masculin|
feminin|féminin|hombre|mujer|masculino|femenino|femminile|maschile|uomo|donna|homem|mulher|feminino|vrouw|mand|kvinna|
kvinde|kvinne|mężczyzna|kobieta|muž|žena|férfi|nő|erkek|kadın|мужской|женский|муж|жен|м|ж|чоловік|жінка|άνδρας|
γυναίκα|ذكر|أنثى|男|女|男性|女性|남|여|남성|여성|nonbinary|non-binary|other|diverse|divers|unknown|x|u|d"""
"""Values of a column of genders."""
