"""Names for runs that were given none: two words and a number that people can say to each other."""

_HOW = """
    airy bold brisk calm clear clever cosy crisp deft eager early even fair fast fine firm fleet fond free fresh gentle
    glad golden grand happy hardy keen kind late light lively lucky merry mild neat nimble noble open plain polite
    prompt proud quick quiet rapid ready rich round sharp silent silver sleek smart smooth soft spry steady still
    stout strong subtle swift tall tidy true vivid warm wide wild wise witty young
"""
_WHO = """
    auk avocet bittern bunting buzzard chough coot crake crane crow curlew dipper dove duck dunlin eagle egret eider
    finch fulmar gannet godwit goose grebe grouse gull harrier hawk heron hobby hoopoe ibis jackdaw jay kestrel kite
    knot lapwing lark linnet loon magpie martin merlin nightjar oriole osprey ouzel owl petrel pipit plover puffin
    quail rail raven redstart robin rook ruff sandpiper shrike siskin skua snipe sparrow starling stilt stork swallow
    swan swift teal tern thrush tit turnstone wagtail warbler wheatear whimbrel wigeon wren
"""
_WORDS = _HOW.split(), _WHO.split()


def made_of(run_id: str) -> str:
    """The same for the same run id (hexadecimal digits)."""
    hows, whos = _WORDS
    number, how = divmod(int(run_id[:12], 16), len(hows))
    number, who = divmod(number, len(whos))
    return f"{hows[how]}-{whos[who]}-{number % 1000}"
