"""Which words of a sentence nothing explains: neither a mark nor the plain English of reports.

They are reported, so that a reader sees what was not weighed: "sclerotic", "microperimetry", "Wednesday".
"""

from __future__ import annotations

import re

from fusion.lexicon import phrase
from fusion.parse_line import Line

EYE = phrase(
    r"eyes?|retina\w*|fundus|macula\w*|fovea\w*|(?:optic )?dis[ck]s?|nerve|vessels?|veins?|arter\w+|vascular\w*"
    r"|lesions?|vitreous|lens|media|cornea"
    r"|periphery|arcades?|pupils?|patients?|diabet\w+|spots?|circle|abnormal\w*|patholog\w+|retinopathy|vision|visual"
)
"""Words after which an English sentence that was not understood counts as a claim of the kind 'other'."""

_PLAIN = """
    a about above accompanied accompanying according across active actually additional affect affected affects after again all along also
    although am an and another answer any anywhere apparently appear appearance appears approach approximately are area areas arise
    arising around arranged arrow arrows as assessable assessment associated at available back background based be because been before
    being believe below between blot border borders both but by can captured case cavity certain characterised characterized chiefly
    circinate classified clear clearly clinical close closely cluster clustered clusters color colour common compared compatible
    completely concentrated concentration conclusion confined confirmed confirms confluent consistent contain continue correct could
    count criteria current currently d dark deep defined definite degree demonstrating dense depicted depicts despite detail detected
    develop developed developing diabetes diabetic diagnosed diagnosis diffuse disc discrete disease disk distributed distribution do
    does dot dots dotted due during e each early either else entirely especially evidence evident examination examined examining extend
    extending extends extensive extent eye eye's eyes far feature features few fewer field finding findings flame flat focal following
    for form forming forms from fulfilled fulfilling fully fundi fundus further g general generally given good grade graded grading
    greater growing had has have he he's her here hes high his however i if image image's images imaging important impression in include
    included including increase increased indicate indicated indicates indicating indication individual inner into involve involved
    involvement involves involving is it it's its just keeping kind known large larger largest last lay layer least left lens lesion
    lesions less level levels lie lies light like limited line linear list listed ll located location look looking looks lower lying m
    main mainly major majority make makes many map margin margins mark marked may me mean means measured measures meet meeting meets
    mild minor minute moderate more most mostly much multiple my n near nearby necessary need needed needs nerve new next nor normal
    notable note noted nothing notice noticeable now number numbering numbers observable observation observed obvious occasional
    occupies occupy occur occurring od of often old on one ones only onto optic or orange os other others ou our out outer outside over
    overall pale part partially particular particularly partly parts patient patients pattern per persistent persistently photo
    photograph photographs photography picture pink place point points population portion possible precise predominantly presence
    present presents previous primarily primary probably provided quadrant quadrants quality quite range rather ratio re reach reaches
    reaching reason reasons recent recommend recommended red regarding region regions relatively remain remaining remains report
    represent representing represents require required respectively rest result results retina retinae retinal return reveal right round
    s said same scan scattered see seem seemingly seems seen selected series several severity shape shaped sharp she she's should show
    showing shown shows side sight sign significant signs similar simple since single site situated size sized sizes slightly small
    smaller so solely some somewhat spared specialist specific specifically specified spot spots spread stable stage still striking
    structure structures subject subtle such suggest suggested summary superficial surface surrounded surrounding take taken temporary
    than that the their them then there there're there's therefore these they this those though three through throughout thus tiny
    tissue to together too total touches touching toward towards two type typical unchanged under underlying unknown up upon upper
    urgent urgently us variable various vary varying vascular vasculature ve vein veins very vessel vessels via view viewed visible
    visit visualised visualized was we well were what where whereas which while white whole wide widespread will with within without
    would x yellow you your"""
_KNOWN = frozenset(_PLAIN.split())
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def unknown_words(line: Line) -> list[tuple[int, int]]:
    """Spans of the runs of words that neither a mark nor common English explains, in order."""
    covered = bytearray(len(line.text))
    for mark in line.marks:
        covered[mark.start : mark.end] = b"\x01" * (mark.end - mark.start)
    runs: list[tuple[int, int]] = []
    for word in _WORD.finditer(line.text):
        if all(covered[word.start() : word.end()]) or word.group().lower() in _KNOWN:
            continue
        if runs and not line.text[runs[-1][1] : word.start()].strip():
            runs[-1] = runs[-1][0], word.end()
        else:
            runs.append((word.start(), word.end()))
    return runs
