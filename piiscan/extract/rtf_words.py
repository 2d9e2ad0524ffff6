"""The control words of RTF that matter for its text: destinations, characters, charsets.

Source: Rich Text Format Specification 1.9.1, "Document Text", "Destinations", "Font Table" (fcharset), "Information
Group", "Special Characters".
"""

from __future__ import annotations

PARTS = {
    b"header": "header", b"headerl": "header", b"headerr": "header", b"headerf": "header",
    b"footer": "footer", b"footerl": "footer", b"footerr": "footer", b"footerf": "footer",
    b"footnote": "footnote", b"annotation": "comment", b"shptxt": "text box", b"dptxbxtext": "text box",
    b"atnauthor": "author", b"atnid": "author", b"revtbl": "author", b"docvar": "variable", b"ffdeftext": "form",
    b"ffl": "form", b"ffhelptext": "form", b"ffstattext": "form", b"xe": "index", b"tc": "index",
    b"mmconnectstr": "connection", b"mmquery": "connection", b"mmdatasource": "connection", b"mmaddfieldname": "form",
    b"objname": "embedded", b"objclass": "embedded", b"template": "properties", b"nextfile": "properties",
    b"sv": "text box",
}  # fmt: skip
"""Destinations whose text stands apart from the paragraph around them."""
PROPERTIES = {
    b"title": "title", b"subject": "subject", b"author": "author", b"operator": "last author", b"keywords": "keywords",
    b"comment": "comments", b"doccomm": "comments", b"category": "category", b"manager": "manager",
    b"company": "company", b"hlinkbase": "hyperlink base", b"propname": "name", b"staticval": "value",
    b"linkval": "value",
}  # fmt: skip
"""Of the information group and the user's own properties."""
DROPPED = frozenset({
    b"colortbl", b"stylesheet", b"listtable", b"listoverridetable", b"rsidtbl", b"pict", b"themedata", b"filetbl",
    b"colorschememapping", b"datastore", b"latentstyles", b"xmlnstbl", b"generator", b"mmathpr", b"nonshppict",
    b"bkmkstart", b"bkmkend", b"pntext", b"pntxta", b"pntxtb", b"ftnsep", b"ftnsepc", b"ftncn", b"aftnsep",
    b"aftnsepc", b"aftncn", b"blipuid", b"panose", b"falt", b"fontemb", b"atrfstart", b"atrfend",
    b"atndate", b"atnref", b"atnparent", b"atntime", b"listtext", b"sn", b"wgrffmtfilter", b"passwordhash", b"creatim",
    b"revtim", b"printim", b"buptim", b"private",
})  # fmt: skip
"""Destinations without text of people."""
OPEN = frozenset({
    b"shpinst", b"shprslt", b"shppict", b"fldrslt", b"formfield", b"userprops", b"annotation", b"fldinst", b"objdata",
    b"info", b"background", b"sp", b"do", b"mailmerge", b"result", b"object", b"nesttableprops",
    *PARTS, *PROPERTIES,
})  # fmt: skip
"""Destinations that are read although a reader may pass over them (`\\*`)."""
CHARACTERS = {
    b"tab": "\t", b"line": "\n", b"lbr": "\n", b"emdash": "\u2014", b"endash": "\u2013", b"lquote": "\u2018",
    b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"bullet": "\u2022", b"emspace": " ",
    b"enspace": " ", b"qmspace": " ", b"softline": "\n", b"nestcell": "\t",
}  # fmt: skip
CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "cp936", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""Charset of a font by its number; 1 is the document's own, 2 are symbols."""
ENCODINGS = {b"ansi": "cp1252", b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}
FORMATTING = frozenset(
    (
        b"b i ul ulnone ulw strike sub super nosupersub caps scaps outl shad v fs cf cb highlight chcbpat lang langfe"
        b" langnp langfenp noproof hich dbch loch rtlch ltrch rtlpar ltrpar fcs ai ab afs insrsid charrsid rsidr"
        b" delrsid rsidrpr pararsid sectrsid rsidroot tblrsid styrsid kerning expnd expndtw sa sb sl slmult li ri fi"
        b" lin rin qj ql qr qc tx nowidctlpar widctlpar wrapdefault aspalpha aspnum faauto adjustright hyphpar keep"
        b" keepn s cs ts ls ilvl outlinelevel trowd trgaph trleft trrh trftswidth trwwidth tblind tblindtype clvertalt"
        b" clvertalc clbrdrt clbrdrl clbrdrb clbrdrr clftswidth clwwidth clshdrawnil cltxlrtb brdrs brdrw brdrcf"
        b" brdrnone brdrt brdrb brdrl brdrr cellx contextualspacing alang sbasedon snext pnlvlblt ulc ulth deftab"
        b" viewkind charscalex cgrid accnone up dn"
    ).split()
)
"""Words of looks alone."""
