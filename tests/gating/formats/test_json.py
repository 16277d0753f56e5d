import json

from tiny_verdict import NASTY, a_verdict, nasty_suspects

from labelscan.gating.formats.json import as_json


def test_json_has_all_suspects_and_any_label_survives():
    text = as_json(a_verdict(nasty_suspects()))
    assert text.isascii()
    content = json.loads(text)
    assert [one["given_label"] for one in content["suspects"]] == list(NASTY)


def test_the_keys_are_as_reviewed(golden):
    golden("gate.json", as_json(a_verdict(nasty_suspects()[:1])))
