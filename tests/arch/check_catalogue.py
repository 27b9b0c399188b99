#!/usr/bin/env python3
"""The shipped events.yaml: complete, well-formed, same facts as StarlingX's, texts of our own.

Checks the file by itself (shapes, ids, placeholders, vocabulary of the Correlation blocks) and, when
$FMD_SHARED (default: ../shared beside the source root) holds data/starlingx-events.yaml, compares the
two record by record. Without that file the comparison is skipped with a message.

Usage: check_catalogue.py [SOURCE_ROOT]. Exit status 0, or 1 with one line per fault.
"""
import difflib
import os
import re
import sys

import yaml

SEVERITIES = ("critical", "major", "minor", "warning")
LOG_FIELDS = {"Type", "Description", "Entity_Instance_ID", "Severity", "Alarm_Type",
              "Probable_Cause", "Service_Affecting", "Context"}
ALARM_FIELDS = LOG_FIELDS | {"Proposed_Repair_Action", "Maintenance_Action", "Inhibit_Alarms",
                             "Suppression", "Management_Affecting_Severity",
                             "Degrade_Affecting_Severity"}
OURS = {f"{family}.{number:03d}" for family, last in ((270, 311), (700, 304), (990, 14))
        for number in range(1 if family == 990 else 301, last + 1)} | {"990.020"}
N_INCUMBENT = (135, 196)

# Two texts longer than this must differ by more than NEARLY_EQUAL allows.
LONG_TEXT = 40
NEARLY_EQUAL = 0.8

# What one text field of StarlingX's record can carry.
MAX_TEXT = 254

# Where our facts differ from the incumbent's on purpose, and why.
OTHER_FACTS = {
    ("700.008", "Severity"): "an overdue migration gets worse",
    ("700.011", "Alarm_Type"): "type of the other migration states",
    ("700.014", "Alarm_Type"): "type of the other resize states",
}
HOST = "host=<>"
INSTANCE = "tenant=<>.instance=<>"
CERTIFICATES = ["system=certificate.mode=<>.uuid=<>", "namespace=<>.certificate=<>",
                "namespace=<>.secret=<>", "system=certificate.name=<>"]
# Forms that the incumbent writes with a typing error, without "=", with commas or blanks between the
# segments, with alternatives inside a placeholder, or for the wrong kind of object.
OTHER_FORMS = {
    "100.105": ["fs_name=image-conversion"],
    "260.001": ["resource=<>.name=<>"],
    "260.002": ["resource=<>.name=<>"],
    "270.101": [HOST + ".services=compute"],
    "270.102": [HOST + ".services=compute"],
    "270.103": [HOST + ".services=compute"],
    "275.001": [HOST + ".hypervisor=<>"],
    "280.002": ["subcloud=<>.resource=" + r for r in ("compute", "network", "platform", "volumev2")],
    "280.005": ["peer_group=<>.peer=<>"],
    "300.016": [HOST + ".agent=<>.bgp-peer=<>"],
    "400.005": [HOST + ".network=" + n for n in ("mgmt", "oam", "cluster-host")],
    "500.200": CERTIFICATES,
    "500.210": CERTIFICATES,
    "700.013": [INSTANCE],
    "700.017": ["server-group=<>"],
    "800.002": ["image=<>.instance=<>", INSTANCE] + ["image=<>.instance=<>"] * 9,
    "800.100": ["service=cinder_io_monitor"],
    "800.101": ["service=cinder_io_monitor"],
}

DURATION = re.compile(r"-?\d+(ms|s|m|h|d)$")
PLACEHOLDER = re.compile(r"<([^<>]*)>")
SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*$")
RELATION_KEYS = {"Suppresses", "Causes", "Outdates"}
RULE_KEYS = {"Flap", "Text", "Probable_Cause", "While", "On", "Severity", "Hold_On", "Hold_Off", "Hold_Notice", "Group", "Escalate",
             "Threshold", "Expire"}
# Commands are quoted as an operator types them; their arguments are no placeholders of ours.
COMMAND_ARGUMENTS = {"900.701"}


class Faults(list):
    def check(self, ok, where, what):
        if not ok:
            self.append(f"{where}: {what}")


class NoDuplicates(yaml.BaseLoader):
    """Every scalar is text, as in fmd's own loader; a key given twice is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {key} is given twice")
        return super().construct_mapping(node, deep)


def load(path):
    with open(path, encoding="utf-8") as f:
        return yaml.load(f, Loader=NoDuplicates)


def as_list(value):
    return value if isinstance(value, list) else [value]


def texts_of(value):
    """All variants of a text: by severity, as a list, or separated by a line OR."""
    if isinstance(value, dict):
        value = list(value.values())
    parts = []
    for text in as_list(value):
        parts += re.split(r"\n\s*OR\s*\n", text or "", flags=re.IGNORECASE)
    return [part.strip() for part in parts if part.strip()]


def plain(text):
    """For comparison: placeholders without their names, one blank between words, no case."""
    text = PLACEHOLDER.sub("<>", text)
    return re.sub(r"\s+", " ", text).strip(" .").lower()


def forms_of(value):
    if isinstance(value, dict):
        value = list(value.values())
    forms = []
    for form in as_list(value):
        forms += [plain_form(part) for part in re.split(r"\s+OR\s+", form)]
    return forms


def plain_form(form):
    """Without the names of placeholders; a last word without a key (".ntp") gets one."""
    form = PLACEHOLDER.sub("<>", form.strip())
    return re.sub(r"^(host=.*)\.(ntp|ptp)$", r"\1.service=\2", form)


def by_severity(record, field):
    """A field that may be a mapping by severity, as what it says for each listed severity."""
    value = record[field]
    return {severity: value.get(severity, "") if isinstance(value, dict) else value
            for severity in as_list(record["Severity"])}


def maintenance(record):
    """Per severity: does the platform degrade the host, does it recover it, neither."""
    found = {}
    for severity, text in by_severity(record, "Maintenance_Action").items():
        text = (text or "").lower().replace("auto recover", "auto-recover")
        found[severity] = {word for word in ("degrade", "auto-recover") if word in text}
    return found


def fact(record, field):
    if field == "Severity":
        return sorted(as_list(record[field]))
    if field == "Service_Affecting":
        return by_severity(record, field)
    if field == "Inhibit_Alarms":
        return record[field] or "False"
    if field == "Maintenance_Action":
        return maintenance(record)
    return record[field]


def percentages(record):
    text = " ".join(texts_of(record["Description"]))
    return set(re.findall(r"(\d+) ?%", text))


# ---- the file by itself -----------------------------------------------------------------


def vocabulary(root):
    """State facts, event facts and attributes, read from the table that the daemon compiles in."""
    with open(os.path.join(root, "events", "facts.def"), encoding="utf-8") as f:
        source = f.read()

    def names(macro):
        return set(re.findall(rf'^{macro}\(\w+, "([^"]+)"', source, re.MULTILINE))

    return names("FACT_STATE"), names("FACT_EVENT"), names("FACT_ATTR")


def check_record(faults, rid, record):
    is_alarm = record.get("Type") == "Alarm"
    fields = set(record) - {"Correlation", "Examples"}
    wanted = ALARM_FIELDS if is_alarm else LOG_FIELDS
    faults.check(re.fullmatch(r"\d{3}\.\d{3}", rid), rid, "is no id")
    faults.check(record.get("Type") in ("Alarm", "Log"), rid, "Type is neither Alarm nor Log")
    faults.check(fields == wanted, rid, f"fields {sorted(fields ^ wanted)} missing or too many")
    for field in fields & wanted:
        faults.check(record[field] not in ("", [], {}) or field == "Maintenance_Action", rid,
                     f"{field} is empty")
    if fields != wanted:
        return
    severities = as_list(record["Severity"])
    faults.check(set(severities) <= set(SEVERITIES), rid, f"severities {severities}")
    for field in wanted:
        value = record[field]
        if isinstance(value, dict):
            faults.check(set(value) == set(severities), rid,
                         f"{field} does not cover exactly the severities")
    lists = {len(record[f]) for f in ("Description", "Alarm_Type", "Probable_Cause")
             if isinstance(record[f], list)}
    faults.check(len(lists) < 2, rid, "lists of different length")
    for field in ("Description", "Proposed_Repair_Action", "Entity_Instance_ID"):
        check_text(faults, rid, field, record.get(field))


def check_text(faults, rid, field, value):
    for text in texts_of(value):
        faults.check(text.count("<") == text.count(">"), rid, f"{field}: unbalanced <>")
        faults.check(len(text) <= MAX_TEXT, rid, f"{field}: longer than {MAX_TEXT}")
        faults.check("|" not in text, rid, f"{field}: alternatives inside a text")
        faults.check(text.isascii() and "  " not in text and "\n" not in text, rid,
                     f"{field}: line break, double blank or non-ASCII character")
        for name in PLACEHOLDER.findall(text):
            faults.check(SNAKE_CASE.match(name), rid, f"{field}: <{name}> is not snake_case")
        if field == "Proposed_Repair_Action" and rid not in COMMAND_ARGUMENTS:
            faults.check(not PLACEHOLDER.search(text), rid, f"{field} is not filled in")
        if field == "Entity_Instance_ID":
            faults.check(" " not in text and "," not in text, rid, f"entity form {text}")
        if field == "Description" and "<reason>" in text:
            faults.check(text.endswith("; reason: <reason>"), rid,
                         "a reason that may be empty must be the last clause")


def check_correlation(faults, rid, record, catalogue, words):
    states, events, attributes = words
    blocks = as_list(record["Correlation"])
    rules = [block for block in blocks if {"While", "On"} & set(block)]
    facts = [rule.get("While", rule.get("On")) for rule in rules]
    faults.check(len(facts) == len(set(facts)), rid, "two rules on one fact")
    for block in blocks:
        faults.check(set(block) <= RULE_KEYS | RELATION_KEYS, rid, f"keys {sorted(block)}")
        for kind in RELATION_KEYS & set(block):
            for relation in as_list(block[kind]):
                check_relation(faults, rid, relation, catalogue)
    used = texts_of(record["Description"])
    for rule in rules:
        faults.check(rule.get("While", "instance.failed") in states, rid, "unknown state")
        faults.check(rule.get("On", "instance.enabled") in events, rid, "unknown event")
        faults.check(("While" in rule) != ("On" in rule), rid, "While and On together")
        if record["Type"] == "Log":
            faults.check(set(rule) == {"On"}, rid, "a log has On and nothing else")
        elif "On" in rule:
            faults.check("Expire" in rule, rid, "an alarm on an event never ends")
        used += [rule["Text"]] if "Text" in rule else []
        used += [step["Text"] for step in rule.get("Escalate", []) if "Text" in step]
        for key in ("Hold_On", "Hold_Off", "Hold_Notice", "Expire"):
            faults.check(DURATION.match(rule.get(key, "0s")), rid, f"{key} is no duration")
        listed = {rule.get("Severity")} | {s.get("Severity") for s in rule.get("Escalate", [])}
        listed |= {key.lower() for key in rule.get("Threshold", {})} - {"of", "per"}
        faults.check(listed - {None} <= set(as_list(record["Severity"])), rid,
                     "a rule gives a severity that the record does not list")
    for name in {name for text in used for name in PLACEHOLDER.findall(text)}:
        faults.check(name in attributes, rid, f"<{name}> is no attribute of facts.def")


def check_relation(faults, rid, relation, catalogue):
    for target in relation["Alarms"]:
        faults.check(target in catalogue and catalogue[target]["Type"] == "Alarm", rid,
                     f"{target} is no alarm")
        faults.check(target != rid, rid, "suppresses or causes itself")
    faults.check(relation.get("Where") in ("instance.host == host", "host == host", "below",
                                            "members", "all"), rid, f"Where: {relation.get('Where')}")
    for span in relation.get("Window", []) + [relation.get("Grace", "0s")]:
        faults.check(DURATION.match(span), rid, f"{span} is no duration")


def check_suppression_is_acyclic(faults, catalogue):
    edges = {}
    for rid, record in catalogue.items():
        for block in as_list(record.get("Correlation", [])):
            for relation in as_list(block.get("Suppresses", [])):
                edges.setdefault(rid, set()).update(relation["Alarms"])

    def reaches(rid, goal, seen):
        for target in edges.get(rid, set()) - seen:
            seen.add(target)
            if target == goal or reaches(target, goal, seen):
                return True
        return False

    for rid in edges:
        faults.check(not reaches(rid, rid, set()), rid, "suppresses itself over others")


def check_layout(faults, path):
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for number, line in enumerate(lines, 1):
        where = f"{os.path.basename(path)}:{number}"
        faults.check(len(line) <= 100, where, "longer than 100 columns")
        faults.check(line == line.rstrip() and "\t" not in line, where, "blanks at the end or tab")
        faults.check(not re.match(r"\d", line), where, "an id without quotes is a number")
    ids = [line[1:8] for line in lines if line.startswith('"')]
    faults.check(ids == sorted(ids), os.path.basename(path), "records are not in the order of ids")


def check_own(faults, root, path, catalogue):
    words = vocabulary(root)
    check_layout(faults, path)
    for rid in sorted(OURS - set(catalogue)):
        faults.append(f"{rid}: missing")
    for rid, record in catalogue.items():
        check_record(faults, rid, record)
        if "Correlation" in record:
            check_correlation(faults, rid, record, catalogue, words)
    check_suppression_is_acyclic(faults, catalogue)


# ---- against the incumbent's ----------------------------------------------------------------


def check_facts(faults, rid, ours, theirs):
    fields = ALARM_FIELDS if theirs["Type"] == "Alarm" else LOG_FIELDS
    for field in sorted(fields - {"Description", "Proposed_Repair_Action", "Entity_Instance_ID"}):
        same = fact(ours, field) == fact(theirs, field)
        if (rid, field) in OTHER_FACTS:
            faults.check(not same, rid, f"{field} is listed as different and is the same")
        elif field == "Service_Affecting" and (rid, "Severity") in OTHER_FACTS:
            faults.check(set(fact(ours, field).values()) == set(fact(theirs, field).values()), rid,
                         f"{field} differs")
        elif field == "Maintenance_Action" and (rid, "Severity") in OTHER_FACTS:
            faults.check(not any(maintenance(ours).values()), rid, f"{field} differs")
        else:
            faults.check(same, rid, f"{field}: {ours[field]} here, {theirs[field]} there")
    faults.check(percentages(theirs) <= percentages(ours), rid, "a threshold is missing")
    wanted = OTHER_FORMS.get(rid, forms_of(theirs["Entity_Instance_ID"]))
    found = forms_of(ours["Entity_Instance_ID"])
    faults.check(found == wanted, rid, f"entity {found}, wanted {wanted}")


def check_not_copied(faults, rid, ours, theirs):
    for field in ("Description", "Proposed_Repair_Action"):
        others = texts_of(theirs.get(field))
        for text in texts_of(ours.get(field)):
            for other in others:
                check_pair(faults, rid, field, plain(text), plain(other))


def check_pair(faults, rid, field, text, other):
    if text == other:
        faults.append(f"{rid}: {field} is copied: {text}")
    elif max(len(text), len(other)) > LONG_TEXT:
        ratio = difflib.SequenceMatcher(None, text, other, autojunk=False).ratio()
        faults.check(ratio < NEARLY_EQUAL, rid, f"{field} is nearly copied ({ratio:.2f}): {text}")


def check_against(faults, ours, theirs):
    counts = tuple(sum(r["Type"] == t for r in theirs.values()) for t in ("Alarm", "Log"))
    faults.check(counts == N_INCUMBENT, "incumbent", f"{counts} alarms and logs")
    for rid in sorted(set(theirs) - set(ours)):
        faults.append(f"{rid}: missing")
    for rid in sorted(set(ours) - set(theirs) - OURS):
        faults.append(f"{rid}: neither theirs nor listed as ours")
    faults.check(not OURS & set(theirs), "incumbent", "uses an id of ours")
    for rid in sorted(set(ours) & set(theirs)):
        check_facts(faults, rid, ours[rid], theirs[rid])
        check_not_copied(faults, rid, ours[rid], theirs[rid])


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", ".."))
    shared = os.environ.get("FMD_SHARED", os.path.join(root, "..", "shared"))
    path = os.path.join(root, "events.yaml")
    theirs_path = os.path.join(shared, "data", "starlingx-events.yaml")

    catalogue = load(path)
    faults = Faults()
    faults.check("Limits" in catalogue, "Limits", "missing")
    catalogue.pop("Limits", None)
    check_own(faults, root, path, catalogue)
    if os.path.exists(theirs_path):
        check_against(faults, catalogue, load(theirs_path))
    else:
        print(f"comparison skipped: no {theirs_path}")

    for fault in faults:
        print(fault)
    n_alarms = sum(record["Type"] == "Alarm" for record in catalogue.values())
    n_rules = sum("Correlation" in record for record in catalogue.values())
    print(f"{n_alarms} alarms, {len(catalogue) - n_alarms} logs, {n_rules} with Correlation, "
          f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
