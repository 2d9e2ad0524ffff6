"""Sentences, forms and records of our own with places for names: what labelled corpora have too little of.

A place is a letter in braces: P a person in one of many forms, N first and last name, R last name first, S one with two
last names, I one with initials, F a first name, L a last name, C a city, K a country, O an organisation, A a street
address, D a date, M a mail address, # digits. All are invented.
"""

from __future__ import annotations

MAIL = """
Hi {F},|Hello {F} and {F},|Dear {L},|Dear Mr. {L},|Dear Ms. {L}:|Dear Dr. {L},|Dear {N},|Hey {F}!|Good morning {F},
Hi {F}, could you ask {N} whether the numbers for {O} are final?|Thanks, {F}|Thanks {F}!|Cheers,\\n{F}
Best regards,\\n{N}\\n{O}|Kind regards,\\n\\n{N}\\nHead of Procurement|Regards,\\n{N}\\n{O}, {C}\\nTel. +# ##
From: {N} <{M}>\\nTo: {N} <{M}>\\nCc: {R}; {R}\\nSubject: Re: contract|On {D}, {N} <{M}> wrote:
From: {R}\\nSent: Monday, {D}\\nTo: {R}; {R}\\nSubject: FW: Q# report|{F}, please loop in {N} from {O}.
I spoke to {F} yesterday; {L} will call back on Monday.|FYI {F} is out of office.
Please contact {N} at {M} or on +# ###.|Forwarded by {N}/Sales on {D}|{N} invited you to a meeting in {C}.
@{F} can you take this?|{F}: are you coming?\\n{F}: yes, in ten minutes|{N} has joined the conversation
[{D}] {F}: did anyone hear from {F}?|{F}'s flight to {C} was cancelled.|lol {F} said the same thing|thx {F} :)
Just met {N} at the station in {C}!|So proud of my sister {F} today|happy birthday {F}!!
Watching {N} live in {C} tonight|RT @user#: {N} is leaving {O}|{N} with the goal! What a game
can't believe {N} is # years old
"""

FORMS = """
Name: {P}\\nAddress: {A}\\nPhone: ###-###|First name: {F}\\nLast name: {L}\\nCity: {C}\\nCountry: {K}
Surname {L}  Given names {F}|Full name\\t{P}\\tEmployer\\t{O}|Emergency contact: {P} (mother), tel. ##
Name of insured: {P}    Policy no. #|Patient: {P}   MRN: #   DOB: {D}|Attending physician: {P}, MD|Referred by Dr. {L}
Seen by Dr. {N} on {D}.|Claimant: {P}\\nInsurer: {O}|Tenant(s): {P} and {P}|Landlord: {P}, {A}
Borrower: {P}\\nLender: {O}|Sold to: {O}\\n{A}\\nAttn: {P}|Bill to {P}, {A}|Deliver to: {P}\\n{A}\\n{K}
Prepared by: {P}   Reviewed by: {P}|Passenger {L}/{F} MR|Cardholder {P} Expires ##
Account holder: {P}\\nBank: {O}, {C}|Signature: ______  {P}  Date: {D}|Beneficiary: {P}; remitter: {O}
Next of kin: {P}, {A}|Student: {P}, class #|Manager: {P}\\tDepartment: Finance\\tLocation: {C}|{R}\\t#\\t{C}\\t{D}
{F};{L};{M};{C};{D}|#,{F},{L},{O},{C}|"{R}","{A}",#|{L}\\t{F}\\t{K}|{P}|{O}|{C}|#
{"customer": {"first": "{F}", "last": "{L}"}, "city": "{C}"}|{"name": "{P}", "company": "{O}", "id": #}
user_name={N}; city={C}|<author>{P}</author>|<Person><First>{F}</First><Last>{L}</Last></Person>
owner: {P}\\nteam: billing|INSERT INTO customers VALUES (#, '{F}', '{L}', '{C}');
{D} ##:## INFO user '{P}' logged in from {C}|ERROR: no mailbox for {P} (id #)|audit: {P} approved order #
{D} WARN Payment by {P} declined by {O}|// written by {P}, {D}|# Copyright {D} {P}|Reviewed-by: {P} <{M}>
"""

FORMAL = """
This agreement is made between {O}, a company registered in {K}, and {P} of {A}.
In witness whereof {P} has signed in {C}.|{P}, the plaintiff, sued {O} in {C}.|{L} v. {L}, # F.3d #
The court heard {P} and {P} on {D}.|Counsel for the defendant: {P}|The appellant, {P}, was represented by {O}.
Judge {L} dismissed the claim.|Justice {N} delivered the opinion.|In re {L}
By: /s/ {P}\\nName: {P}\\nTitle: Chief Executive Officer|/s/ {P}\\n{P}\\nDirector\\n{D}
{O}\\n{A}\\n(Address of principal offices)|{P}, #, has served as a director of {O} since {D}.
Mr. {L} joined {O} from {O} in {D}.|Shares held by {P} and her spouse {P}
The Board elected {P} as Chair; {P} and {P} abstained.|Present: {P}, {P}, {P}. Apologies: {P}.|Minutes taken by {P}
{P} was admitted to {O} with chest pain.|{F} is a ##-year-old man from {C}.|Ms. {L} denies fever.
Discussed with {P} and her husband {F}.|{N} (born {D} in {C}) is a painter from {K}.
{N}, who grew up in {C}, studied at {O}.|{L} died in {C} on {D}.|{N} and {N} married in {D}.
{C}, {D} - {N}, chief of {O}, said on Monday that sales had fallen.|"We are pleased," said {N} of {O}.
{L} told reporters in {C}.|By {N}|By {N} and {N}|{C} ({O}) - {O} said it would buy {O}.|{O} shares rose # percent.
{O} hired {N} from {O}.|{N} beat {N} 6-# 7-#|1. {N} ({K}) #.##|{L} # {L} # {L} #|{N} ({K}) bt {N} ({K})|{C} # {C} #
{C} AT {C}|{K} 2 {K} 1|{O} opened an office in {C}, {K}.|{O} and {O} agreed to merge.|{O} is based in {C}.
The {O} in {C} closed.|She works for {O} in {K}.|{I} (##). The history of trade in {K}. {C}: {O}.
{I}, {I} and {I}, Journal of Applied Things #, #|et al. {L} ####|{N} scored for {C}.
The mayor of {C}, {N}, met President {L} of {K}.|Prime Minister {N} visited {C}.|Queen {F} arrived in {K}.
Professor {N} of {O} wrote the foreword.|Her brother {F} lives in {C}, {K}.|Captain {L} nodded.
"{F}," said {F}, "come here."|I'm {N} and I need help with my account.|My name is {N}.|this is {F} from {O}
Could I speak to {N}, please?|He is called {F}.|I would like to change the address of {N} to {A}.
We moved from {A} to {A}.|Please send my card to {A}, {K}|I live in {C}, {K}.|When was {N} hired?
{N}'s phone number is ##.|Is {N} still at {O}?|who is {N}?|what is the salary of {N} at {O}|Tell {F} I said hi
{N} ordered two chairs, {N} three.|{P} paid # euros to {P}.|Interview with {N}: part #|Photo: {N}/{O}
Translated by {N}|Music by {N}
"""

PROSE = """
{N} was born in {C} to {N} and {N}.|{N} is a footballer who plays for {O}.|{N} (#-#) was a poet from {K}.
{N} directed the film.|The band was formed in {C} by {N}, {N} and {N}.|{L} was replaced by {N} in ####.
She married {N}, a lawyer from {C}.|The song was written by {N} and {N}.|{N} starred opposite {N} in the ## film.
Its mayor is {N}.|{C} is a town in {K}.|The river flows through {C} and {C}.|He moved from {C} to {C} in ####.
{N} won the race ahead of {N} ({K}).|{L} scored twice for {O}.|{O} beat {O} #-# in {C} on Saturday.
Coach {N} said {L} was fit.|{O} signed {N} from {O}.|Led by {N}, {O} reached the final.|{N} b {L} #|{L} c {L} b {L} ##
Umpires: {L} and {L}|Attendance: #,###|Referee: {N} ({K})|Scorers: {L} (#), {L} (##)|# {N} ({K}) # minutes ## seconds
#. {N}, {K}, ##.##|{N} {K} #-# #-# {N} {K}|{C} - {N} of {K} won the title.|{K} v {K}, {C}, {D}|{O} # # # # ##
Police in {C} arrested {N}, ##, on Tuesday.|{N}, a spokesman for {O}, declined to comment.|Witness {N} said {L} ran.
Activist {N} was freed in {C}.|President {N} met {N}, the foreign minister of {K}.
Officials in {K} said {N} had resigned.|{L} urged {K} to talk to {K}.|Opposition leader {N} left {C}.
The newspaper of {O} quoted {N}.|{N} told {O}: "We will go to {C}."|According to {O}, {N} owns the land.
Senator {L} of {K} voted no.|Minister {N} and his wife {F}|Farmers near {C}, {K}, lost their crop.
Aid reached {C}, {C} and {C}.|The bridge between {C} and {C} is closed.|An earthquake shook {K}.|He teaches in {C}
{F} laughed.|"No," {F} whispered, "not here."|{F} and {F} walked home.|Mrs. {L} poured the tea.
Old {L} shook his head.|{F} looked at Mr. {L}.|Poor {F}!|Aunt {F} wrote|said {F}|cried {L}
{F}, who loved {F}, said nothing.|Miss {L} was late again; {F} was not.|Sir {N} bowed to Lady {L}.
Our teacher {N} lives in {C}.|{N} has been promoted to director at {O}.|Congratulations to {N}!
{N} will lead the {C} office of {O}.|Welcome {N} to the team|Ask {F} or {F} in accounts.
{F} from {O} called about the order.|I met {N} at {O} in {C}.|My manager {N} approved it.
My wife {F} and I moved to {C}.|my friend {F}|Could you send the invoice to {N}, {A}?
I want to update my name from {N} to {N}.|The card is in the name of {N}.|How do I reach {N}?
It was sold by {F} at {O}.|I lost my card in {C}.|Bill me at {A}.|Please ship it to my brother {N}, {A}.
What is the address of {O} in {C}?|I have worked at {O} since ####.|Please call {F} back on ###
Is there a branch of {O} in {C}?|My employer is {O}, {A}.|{F} said {F} would pay.|Please remove {N} from the policy.
I am {N}, born on {D}, from {C}.|Yours, {F}|{N} was named {F} after her grandmother.|Both {L} and {L} agreed.
The {L} family lives in {C}.|the {L} report|{L}'s lawyer called {L}.|{N}'s and {N}'s accounts
"Agreement" means the agreement of {D} between {O} and {O}.|{N} (the "Executive") and {O} (the "Company")
Notice to {O}: {A}, Attention: {N}|{O} granted {N} # options.|Mr. {L} is entitled to a bonus.
Trustees: {N}, {N} and {N}|The Committee consists of Messrs. {L} and {L}.|Guarantor: {P}, {A}
{N} holds a degree from {O}.|Ms. {L}, age ##, was previously with {O}.|{N}\tPresident and Director\t{D}
{N}, {L} & {L}, attorneys|Witnessed by {P} and {P}|Filed by {P} on behalf of {O}.|Deponent {P} sworn at {C}.
Heard before {L}, {L} and {L}, JJ.|Shri {N}, advocate for {O}|Petitioner {N}, son of {N}, resident of {C}
Admitting doctor {N}; nurse {N}.|Pt {L} seen with daughter {F}.|Dr {L} ({O}) reviewed the scan.
Copies to: Dr. {N}, {O}|Dictated by {N}, MD|{F} takes aspirin.|Mr. {L} is a ##-year-old male followed by Dr. {L}.
Lives with wife {F} in {C}.|Transferred from {O}.|Contact: {N} (son) ###-###|Blood drawn by {F}.
"""

ELSEWHERE = """
Sehr geehrter Herr {L},|Sehr geehrte Frau {L},|Liebe {F},|Mit freundlichen Grüßen\\n{N}\\n{O}
Herr {N} wohnt in {C}, {A}.|Frau {L} arbeitet bei {O}.|Vorname: {F}\\nNachname: {L}\\nWohnort: {C}
Der Vertrag zwischen {N} und der {O} wurde in {C} unterzeichnet.|{N}, geboren am {D} in {C}|Ansprechpartner: {P}
Patient {P} wurde am {D} aufgenommen.|{N} sagte, er habe {F} gesehen.|Am Montag trifft {N} in {C} ein.|gez. {P}
z. Hd. {P}|Cher Monsieur {L},|Chère Madame {L},|Bonjour {F},|Cordialement,\\n{N}
Nom : {L}\\nPrénom : {F}\\nVille : {C}|Monsieur {N}, né le {D} à {C}|Le contrat entre {N} et {O} a été signé à {C}.
{N} habite {A}.|Mme {L} travaille chez {O}.|{N} a déclaré que {F} viendrait.|Le docteur {L} a vu {N}.
Estimado señor {L}:|Querida {F}:|Hola {F},|Atentamente,\\n{N}|Nombre: {F}\\nApellidos: {S}\\nCiudad: {C}
Don {S}, vecino de {C}, con domicilio en {A}|Doña {N} trabaja en {O}.|El contrato entre {N} y {O} se firmó en {C}.
{N} dijo que {F} llegaría a {C}.|Paciente: {S}, ingresado el {D}|Gentile signor {L},|Cara {F},|Cordiali saluti,\\n{N}
Nome: {F}\\nCognome: {L}\\nCittà: {C}|Il sig. {N}, nato a {C} il {D}, residente in {A}
La dott.ssa {L} lavora presso {O}.|{N} ha detto che {F} arriverà a {C}.|Il contratto tra {N} e {O}
Caro {F}, come stai?|Prezado Senhor {L},|Olá {F},|Atenciosamente,\\n{N}|Nome: {N}\\nCidade: {C}
O senhor {N} mora em {A}.|A doutora {L} trabalha na {O}.|O contrato entre {N} e {O} foi assinado em {C}.
{N} disse que {F} chegaria.|Geachte heer {L},|Beste {F},|Met vriendelijke groet,\\n{N}
Voornaam: {F}\\nAchternaam: {L}\\nWoonplaats: {C}|Mevrouw {L} werkt bij {O}.|De heer {N} woont in {C}, {A}.
{N} zei dat {F} ziek was.|Szanowny Panie {L},|Szanowna Pani {F},|Z poważaniem\\n{N}
Imię: {F}\\nNazwisko: {L}\\nMiasto: {C}|Pan {N} mieszka w {C}, {A}.|Umowa między {N} a {O}
"""

NONE = """
MONTHLY SALES REPORT|EXECUTIVE SUMMARY|Table of Contents|Annual Report ####|TERMS AND CONDITIONS OF SALE
CHAPTER #: GETTING STARTED|Frequently Asked Questions|Jan Feb Mar Apr May Jun|Due in April or May
Open Monday to Friday|March # was a Friday|The June figures are in.|August sales rose.|see you in May
Product Name: Widget Pro Max|Galaxy Tab and Pixel phones|Black Friday Sale|Space Grey, Midnight Blue, Rose Gold
Classic Fit Cotton Shirt, Navy, Large|Chrome Safari Firefox Opera|Blue Ridge chair, Oak, #
Product: Cedar Desk\\tColour: Walnut\\tPrice: #.##|SKU-#,Olive Oil,Grocery,#.##|Rose Water Soap|Dear Customer,
Dear Sir or Madam,|To whom it may concern|Hi all,|Hi team,|Hello everyone,|Dear Hiring Manager,|Good afternoon,
Dear Valued Member|Customer Service Representative|Senior Software Engineer|Chief Financial Officer
Human Resources Department|Account Manager|Total Amount Due|Net Income|First Name, Last Name, Date of Birth
Name of Applicant: ____|Signature of Employee|Print Name:|Patient Name:|Full Name (as on passport)
Mother's Maiden Name|{D} ##:##:## INFO Starting Job Scheduler|{D} WARN Connection Pool exhausted
[main] DEBUG Bean Factory initialised|ERROR Null Pointer in Order Service|kernel: usb #-#: New Device found
systemd[#]: Started Session # of user root.|sshd[#]: Accepted publickey for deploy from 10.0.#.#|nginx: Bad Gateway
Apr  # ##:##:## host cron[#]: (root) CMD (run)|Jun # Server Ready|level=info msg="Cache Warm" took=#ms
GET /Users/Home HTTP/1.1 200|Task Failed: Retry Later|class OrderService extends BaseService {
import React from 'react';|public static void main(String[] args)|def test_User_Model(self):
const Grant = require("grant")|SELECT First, Last FROM Users WHERE Active = 1|<Button Label="Save Changes" />
@Override public String toString()|new ThreadPoolExecutor(Max, Min)|#include <Frank.h>|Error: Unable to Read Property
HTTP 404 Not Found|Access Denied for Role Admin|Grant Access|Mark as Read|Will Call|Bill To|Ship To|Page # of #
Jack socket|Diabetes Mellitus Type 2|Blood Pressure: #/#|Parkinson's disease|Crohn's and Alzheimer's|Apgar score #
No Known Drug Allergies|Chief Complaint|Review of Systems|The Plaintiff and the Defendant agree|Exhibit A
Section # (b)|Fair Labor Standards Act|Chapter 11|Form 10-K|Class A Common Stock|The Company and the Executive
Merry Christmas!|Happy New Year|Good Friday|Mother's Day|Easter Monday|Black Sea salt|French fries and Swiss cheese
English breakfast|Victoria sponge|Earl Grey tea|Moore's law and the Gaussian curve|Big Mac|Jack Daniel's #
Ruby on Rails, Jenkins and Django|Amber alert|a bill of rights|Faith, Hope
"""


def lines(text: str) -> tuple[str, ...]:
    """The templates of a block."""
    found = (part.strip() for line in text.strip().splitlines() for part in line.split("|"))
    return tuple(part.replace("\\n", "\n").replace("\\t", "\t") for part in found if part)
