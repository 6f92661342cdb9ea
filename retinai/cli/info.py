"""`retinai info` and `retinai doctor`: what is installed, and what is wrong with it."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def info(json: Json = False) -> None:
    """Versions, bundled weights with their checksums, devices. Loads no model."""
    from retinai.about import about

    values = about()
    typer.echo(jsonlib.dumps(values, indent=2, allow_nan=False) if json else as_text(values))


def as_text(values: dict[str, Any]) -> str:
    """`about()` for people: one line a thing."""
    cpu, gpus = values["devices"]["cpu"], values["devices"]["gpus"]
    lines = [f"retinai {values['retinai']}, Python {values['python']}, {values['platform']}"]
    lines += [f"cpu      {cpu['model']}, {cpu['cores']} cores, {' '.join(cpu['flags']) or 'no vector extensions known'}"]
    lines += [f"gpu      {name}" for name in gpus] or ["gpu      none"]
    lines += [runtime_line(values["runtime"])]
    lines += [_weights_line(file) for file in values["weights"]] or ["weights  none"]
    lines += [f"package  {name} {version or 'is missing'}" for name, version in values["packages"].items()]
    return "\n".join(lines)


def runtime_line(values: dict[str, Any]) -> str:
    """'runtime  torch in bf16; this processor has instructions for it'."""
    has = "has instructions" if values["in_hardware"] else "has no instructions"
    return f"runtime  {values['name']} in {values['precision']}; this processor {has} for it"


def _weights_line(file: dict[str, Any]) -> str:
    state = "" if file["intact"] else ", NOT the file that its card describes"
    return f"weights  {file['room']}/{file['file']}, {file['bytes'] / 1e6:.1f} MB, sha256 {file['sha256'][:12]}{state}"


def doctor(json: Json = False) -> None:
    """Check the installation; every problem comes with its remedy. Exit status 1 when there is one."""
    from dataclasses import asdict

    from retinai.doctor import examine

    findings = examine()
    if json:
        typer.echo(jsonlib.dumps([asdict(finding) for finding in findings], indent=2, allow_nan=False))
    else:
        for finding in findings:
            typer.echo(f"{finding.state:8} {finding.check}: {finding.text}" + (f". {finding.remedy}" if finding.remedy else ""))
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)
