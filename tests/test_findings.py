"""Findings are ranked, grouped and counted, so that ten thousand make no ten thousand lines."""

import json

from checks.findings import Finding, by_kind, findings_json, format_findings, has_errors, ranked


def finding(level, check, number=0, advice=""):
    return Finding(level, check, f"train.json: video 'a': events[{number}]", f"number {number}", advice)


MIXED = [finding("warning", "b"), finding("error", "c"), finding("warning", "a", 1), finding("error", "c", 2),
         finding("warning", "b", 3), finding("error", "b", 4)]


def test_errors_come_first_and_kinds_stay_together_in_the_order_they_came():
    assert [(f.level, f.check) for f in ranked(MIXED)] == [
        ("error", "c"), ("error", "c"), ("error", "b"), ("warning", "b"), ("warning", "b"), ("warning", "a")]
    assert [len(group) for group in by_kind(MIXED)] == [2, 1, 2, 1]
    assert [f.message for f in ranked(MIXED)][:3] == ["number 0", "number 2", "number 4"]
    assert has_errors(MIXED) and not has_errors(MIXED[:1]) and not has_errors([])


def test_many_of_a_kind_are_a_count_and_the_first_few():
    text = format_findings([finding("error", "frames-missing", number, "extract them") for number in range(12_000)])
    assert text.splitlines() == [
        "error: frames-missing (12,000 times)",
        "  train.json: video 'a': events[0]: number 0",
        "  train.json: video 'a': events[1]: number 1",
        "  train.json: video 'a': events[2]: number 2",
        "  ... and 11,997 more; --json FILE lists all",
        "  -> extract them",
    ]


def test_one_of_a_kind_has_no_count_and_kinds_are_apart():
    assert format_findings([finding("error", "a"), finding("warning", "b", 1, "look")]).split("\n\n") == [
        "error: a\n  train.json: video 'a': events[0]: number 0",
        "warning: b\n  train.json: video 'a': events[1]: number 1\n  -> look"]
    assert format_findings([]) == ""


def test_json_has_all():
    value = json.loads(json.dumps(findings_json(MIXED)))
    assert (value["errors"], value["warnings"]) == (3, 3) and len(value["findings"]) == 6
    assert value["findings"][2] == {"level": "error", "check": "b", "where": "train.json: video 'a': events[4]",
                                    "message": "number 4", "advice": ""}
