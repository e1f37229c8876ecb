#!/usr/bin/env python3
"""Reads what a broker keeps and says whether Home Assistant would show it.

    homeassistant_check.py PORT [SERIAL…]

Subscribes with mosquitto_sub, takes every retained message, and checks each announcement of a device against the rules
of Home Assistant's MQTT discovery, and each entity against the topics that it names: they are kept by the broker, say
`online`, and hold a payload of the right kind. Prints one JSON object; ends with 0 where nothing is wrong.

Shares nothing with vebridge: the rules are written out again here.
"""

import json
import re
import subprocess
import sys

ID = re.compile(r"^[a-zA-Z0-9_-]+$")
UNITS = {
    "power": {"W", "kW"}, "voltage": {"V", "mV"}, "current": {"A", "mA"}, "energy": {"Wh", "kWh", "MWh"},
    "temperature": {"°C", "°F", "K"}, "battery": {"%"}, "duration": {"s", "min", "h", "d"}, "enum": {None},
    "timestamp": {None}, "data_size": {"B", "kB", "MB"}, "connectivity": {None}, "problem": {None},
}
NAMES = {
    "uniq_id": "unique_id", "def_ent_id": "default_entity_id", "stat_t": "state_topic", "val_tpl": "value_template",
    "avty_mode": "availability_mode", "avty": "availability", "t": "topic", "dev_cla": "device_class",
    "stat_cla": "state_class", "unit_of_meas": "unit_of_measurement", "sug_dsp_prc": "suggested_display_precision",
    "ops": "options", "ic": "icon", "ent_cat": "entity_category", "en": "enabled_by_default", "exp_aft": "expire_after",
    "pl_on": "payload_on", "pl_off": "payload_off",
}
STATES = {"measurement", "total", "total_increasing"}


def retained(port):
    """Topic to payload of everything that the broker keeps."""
    run = subprocess.run(
        ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "#", "--retained-only", "-W", "2", "-F", "%j"],
        capture_output=True, text=True)
    kept = {}
    for line in run.stdout.splitlines():
        message = json.loads(line)
        kept[message["topic"]] = message.get("payload") or ""
    return kept


class Check:
    def __init__(self, kept):
        self.kept = kept
        self.faults = []
        self.devices = {}
        self.unique = set()
        self.entities = 0

    def fault(self, place, words):
        self.faults.append(f"{place}: {words}")

    def device(self, topic, text):
        parts = topic.split("/")
        if len(parts) == 5 and parts[1] != "device":
            return self.part(topic, parts, text)
        if len(parts) != 4 or not ID.match(parts[2]):
            return self.fault(topic, "is not prefix/device/id/config")
        try:
            root = json.loads(text)
        except ValueError as error:
            return self.fault(topic, f"is not JSON: {error}")
        device = root.get("dev") or root.get("device") or {}
        origin = root.get("o") or root.get("origin") or {}
        components = root.get("cmps") or root.get("components") or {}
        identifiers = device.get("ids") or device.get("identifiers")
        if not identifiers:
            self.fault(topic, "no identifiers")
        if not origin.get("name"):
            self.fault(topic, "no origin")
        if not components:
            self.fault(topic, "no components")
        self.devices[tuple(identifiers or [topic])] = device
        for key, component in components.items():
            self.component(f"{parts[2]} {key}", component)

    def part(self, topic, parts, text):
        """One component of a device, on prefix/platform/id/key/config."""
        if not ID.match(parts[2]) or not ID.match(parts[3]):
            return self.fault(topic, "is not prefix/platform/id/key/config")
        try:
            root = json.loads(text)
        except ValueError as error:
            return self.fault(topic, f"is not JSON: {error}")
        device, origin = root.pop("dev", {}), root.pop("o", {})
        if not device.get("ids"):
            return self.fault(topic, "no identifiers")
        if not origin.get("name"):
            self.fault(topic, "no origin")
        if f"{parts[0]}/device/{parts[2]}/config" in self.kept:
            self.fault(topic, "the device is announced as a whole too")
        self.devices.setdefault(tuple(device["ids"]), {}).update(device)
        component = {NAMES.get(key, key): value for key, value in root.items()}
        component["availability"] = [
            {NAMES.get(key, key): value for key, value in entry.items()} for entry in component.get("availability", [])]
        component["platform"] = parts[1]
        self.component(topic, component)

    def component(self, place, component):
        self.entities += 1
        platform = component.get("platform") or component.get("p")
        if platform not in ("sensor", "binary_sensor"):
            return self.fault(place, f"platform {platform}")
        unique = (platform, component.get("unique_id"))
        if not component.get("unique_id") or unique in self.unique:
            self.fault(place, f"unique_id {component.get('unique_id')}")
        self.unique.add(unique)
        kind, state, unit = (component.get(key) for key in ("device_class", "state_class", "unit_of_measurement"))
        if platform == "sensor":
            if kind is not None and unit not in UNITS.get(kind, {"no such class"}):
                self.fault(place, f"{kind} in {unit}")
            if state is not None and state not in STATES:
                self.fault(place, f"state class {state}")
            if kind == "energy" and state == "measurement":
                self.fault(place, "energy is no measurement")
            if kind in ("enum", "timestamp") and (state or unit):
                self.fault(place, "an enum with statistics")
            if (kind == "enum") != ("options" in component):
                self.fault(place, "options without enum, or the other way")
        topics = component.get("availability", [])
        if len(topics) > 1 and component.get("availability_mode") != "all":
            self.fault(place, "the mode of availability is not all")
        for entry in topics:
            text = self.kept.get(entry["topic"])
            if text is None:
                self.fault(place, f"{entry['topic']} is not kept by the broker")
            elif "value_template" not in entry and text != "online":
                self.fault(place, f"{entry['topic']} is {text}")
        self.payload(place, platform, component, kind, unit)

    def payload(self, place, platform, component, kind, unit):
        text = self.kept.get(component.get("state_topic"))
        if not text:
            return self.fault(place, f"{component.get('state_topic')} holds nothing")
        if platform == "binary_sensor":
            if text not in (component.get("payload_on", "ON"), component.get("payload_off", "OFF")):
                self.fault(place, f"neither on nor off: {text}")
        elif kind == "enum":
            if text not in component["options"]:
                self.fault(place, f"{text} is no option")
        elif "value_template" in component:
            member = re.search(r"value_json\.(\w+)", component["value_template"])
            if not member or not isinstance(json.loads(text).get(member.group(1)), (int, float)):
                self.fault(place, f"no number for {component['value_template']} in {text}")
        elif unit is not None or component.get("state_class"):
            try:
                float(text)
            except ValueError:
                self.fault(place, f"{text} is no number")
        elif len(text) > 255:
            self.fault(place, "a state longer than 255 letters")

    def documents(self):
        """Each document agrees with itself: JSON, a value and an age for what has one."""
        count = 0
        for topic, text in self.kept.items():
            if not topic.endswith("/state") or not text.startswith("{"):
                continue
            count += 1
            for key, entry in json.loads(text)["values"].items():
                if entry is not None and not (entry["age"] >= 0 and entry["from"]):
                    self.fault(topic, f"{key} without age or provenance")
        return count

    def finish(self, serials):
        known = {identifier for identifiers in self.devices for identifier in identifiers}
        for identifiers, device in self.devices.items():
            via = device.get("via_device")
            if via is not None and via not in known:
                self.fault(identifiers[0], f"is reached through {via}, which is not there")
        for serial in serials:
            if not any(device.get("sn") == serial for device in self.devices.values()):
                self.fault(serial, "is not announced")


def main():
    kept = retained(int(sys.argv[1]))
    check = Check(kept)
    for topic, text in kept.items():
        if topic.startswith("homeassistant/") and topic != "homeassistant/status":
            check.device(topic, text)
    check.finish(sys.argv[2:])
    documents = check.documents()
    print(json.dumps({
        "devices": len(check.devices), "entities": check.entities, "documents": documents, "faults": check.faults}))
    return 1 if check.faults or not check.devices else 0


sys.exit(main())
