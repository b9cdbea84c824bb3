"""What OrcaSlicer and Bambu Studio keep beside the G-code of a `.gcode.3mf`: Metadata/slice_info.config.

<plate> <metadata key="index" value="1"/> <metadata key="prediction" value="1634"/> (seconds) ...
<filament id="1" type="PLA" color="#FFFFFF" used_m="1.20" used_g="3.58"/> ... </plate>
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from farm.files.containers.elements import Element, elements
from farm.files.slicers.remarks import MOST_TOOLS, Remarks, number

_USED = {"filament used [mm]": ("used_m", 1000.0), "filament used [g]": ("used_g", 1.0)}
_AS_SETTING = {"printer_model_id": "printer_model", "nozzle_diameters": "nozzle_diameter"}
MOST = 1e9


def remarks_in(data: bytes, plate: int) -> Remarks:
    """What is said of a plate, in the words that stand in G-code. Raises Invalid for what is no plain XML."""
    if not data:
        return Remarks.of_lines([])
    of_plate = next((found for found in _plates(elements(data)) if _index(found) == plate), [])
    facts = _facts(of_plate)
    told = [f"{setting} = {facts[key]}" for key, setting in _AS_SETTING.items() if facts.get(key)]
    if "prediction" in facts:
        told.append(f"estimated printing time (normal mode) = {facts['prediction']}s")
    objects = [element.attributes.get("name", "") for element in of_plate if element.name == "object"]
    told += [f"printing object {name}" for name in objects]
    return Remarks.of_lines([*told, *_filament(of_plate)])


def _plates(found: Sequence[Element]) -> Iterator[list[Element]]:
    begins = [at for at, element in enumerate(found) if element.name == "plate"]
    for begin, end in pairwise([*begins, len(found)]):
        yield [element for element in found[begin + 1 : end] if element.depth > found[begin].depth]


def _index(plate: Sequence[Element]) -> int:
    return int(number(_facts(plate).get("index", "1"), MOST) or 0)


def _facts(plate: Sequence[Element]) -> Mapping[str, str]:
    said = [element.attributes for element in plate if element.name == "metadata"]
    return {one.get("key", ""): one.get("value", "") for one in said}


def _filament(plate: Sequence[Element]) -> Iterator[str]:
    """A value for each tool: a filament's number is the tool's, counted from 1, and some are left out."""
    used = {
        int(tool): element.attributes
        for element in plate
        if element.name == "filament"
        and (tool := number(element.attributes.get("id", ""), MOST_TOOLS, least=1))
    }
    tools = range(1, max(used, default=0) + 1)
    for key, (attribute, unit) in _USED.items():
        amounts = [number(used.get(tool, {}).get(attribute, "0"), MOST) for tool in tools]
        if any(amounts):
            yield f"{key} = {','.join(str(round((amount or 0) * unit, 3)) for amount in amounts)}"
    if used:
        yield f"filament_type = {';'.join(used.get(tool, {}).get('type', '') for tool in tools)}"
