"""``fevbench score``: two folders of clips, without a data set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import click

from fevbench.atomic import check_writable, write_text
from fevbench.cli import options
from fevbench.cli.output import say_json
from fevbench.errors import FevbenchError

_FIELD = re.compile(r"\{(\w+)\}|\*")
FIELDS = ("subject", "label")


@click.command("score")
@click.argument("clips", nargs=-1, required=True, type=options.PATH, metavar="RUN | MADE [TRUE]")
@options.metrics("Comma-separated metrics or families, or all.")
@click.option(
    "--subjects",
    metavar="PATTERN|FILE.csv",
    help="Subjects of the clips, for intervals: a pattern of names, '{subject}_{label}_*', or a table.",
)
@options.out(options.PATH, metavar="FILE.json", help="Also write the scores to a file.")
@click.option("--inputs", type=options.PATH, metavar="DIR", help="Input images, if they are not frame 0.")
@click.option("--protocol", "protocol_name", metavar="PROTOCOL", help="Sample and resize both sides by it.")
@click.option("--match", type=click.Choice(["name", "order"]), help="Match clips by name or by order.")
@click.option(
    "--allow-missing", is_flag=True, help="Leave out clips without a partner or that cannot be read."
)
@options.device()
@options.batch_size(metavar="N")
@options.plugin
@options.offline
@options.output_format("table", "json")
def score_command(
    clips: tuple[Path, ...],
    metrics: tuple[str, ...],
    subjects: str | None,
    out: Path | None,
    inputs: Path | None,
    protocol_name: str | None,
    match: str | None,
    allow_missing: bool,
    device: str,
    batch_size: int | None,
    plugin: Path | None,
    offline: bool,
    output_format: str,
) -> None:
    """Score a finished RUN again, or compare the clips in a folder MADE with those in a folder TRUE.

    A run folder is scored again from its cached features: no network is loaded, no clip is read.
    With --metrics, these are added to its result.

    Two folders need no data set and no labels. Without TRUE, only metrics that need no true clips are
    computed.

    A clip is a video, an animation, or a folder of frames. Clips are matched by name, or by order if no name
    agrees; a note says which. They must have one size and length, unless a --protocol samples and resizes
    them. Frame 0 of a true clip is its input image, unless --inputs has a picture for each clip.
    Missing values, such as intervals without subjects, come with a reason.

    A file for --subjects has the columns clip and subject, and optionally label.

    \b
    Example:
      fevbench score runs/copy--fevsynth--64x16--test--seed0 --metrics ms-ssim
      fevbench score results/ truth/
      fevbench score results/ truth/ --subjects '{subject}_{label}_*' --metrics csim,ssim,fvd
      fevbench score results/ truth/ --protocol 256x64-uniform-centre
    """
    if len(clips) > 2:
        raise click.UsageError(f"{len(clips)} folders are given: score takes MADE and TRUE")

    from fevbench.results.files import RUN_FILE

    if len(clips) == 1 and (clips[0] / RUN_FILE).is_file():
        given = {
            "--subjects": subjects, "--out": out, "--inputs": inputs, "--protocol": protocol_name,
            "--match": match, "--allow-missing": allow_missing,
        }  # fmt: skip
        if wrong := [name for name, value in given.items() if value]:
            raise click.UsageError(f"{wrong[0]} is for folders of clips, but {clips[0]} is a run")
        _score_run(clips[0], metrics, plugin, output_format)
        return
    from fevbench.api.scoring import score
    from fevbench.cli.console import ProgressDisplay, print_text, stdout_to_stderr

    if out is not None:
        check_writable(out)
    with stdout_to_stderr(), ProgressDisplay() as display:
        if plugin is not None:
            from fevbench.initial_state import remember_initial_state
            from fevbench.models.registry import load_plugin

            remember_initial_state()
            load_plugin(plugin)
        known = {} if subjects is None else _known(subjects, clips[0])
        found = score(
            clips[0],
            clips[1] if len(clips) == 2 else None,
            subjects=known.get("subject"),
            labels=known.get("label"),
            inputs=inputs,
            metrics=metrics,
            protocol=protocol_name,
            match=match,
            allow_missing=allow_missing,
            device=device,
            batch_size=batch_size,
            offline=offline,
            progress=display,
            pull=display.pull,
        )
    if out is not None:
        write_text(out, found.model_dump_json(indent=1) + "\n")
    if output_format == "json":
        say_json(found.model_dump(mode="json"))
    else:
        print_text(found.table())


def _score_run(run: Path, metrics: tuple[str, ...], plugin: Path | None, output_format: str) -> None:
    from fevbench.cli.console import ProgressDisplay, print_text, stdout_to_stderr
    from fevbench.engine.again import score_again
    from fevbench.report.terminal import result_table

    with stdout_to_stderr(), ProgressDisplay() as display:
        if plugin is not None:
            from fevbench.models.registry import load_plugin

            load_plugin(plugin)
        result = score_again(run, metrics, display)
    if output_format == "json":
        say_json(result.model_dump(mode="json"))
    else:
        print_text(result_table(result))


def _known(said: str, made: Path) -> Mapping[str, Mapping[str, str]]:
    """``subject`` and perhaps ``label``, each a clip's name to what is known of it."""
    if said.lower().endswith(".csv"):
        from fevbench.data.layouts.table import read_table

        rows = [row for _, row in read_table(Path(said), ("clip", "subject"), ("label",))]
        found = {what: {row["clip"]: row[what] for row in rows if row[what]} for what in FIELDS}
        return {what: of_clip for what, of_clip in found.items() if of_clip}
    pattern = _compiled(said)
    from fevbench.api.given import Layout, as_given

    read: dict[str, dict[str, str]] = {what: {} for what in pattern.groupindex}
    for clip in as_given(made, "made", Layout()).clips:
        fits = pattern.fullmatch(clip.name)
        if not fits:
            raise FevbenchError(f"--subjects {said!r} does not fit {clip.name}", "give a pattern that does")
        for what in read:
            read[what][clip.name] = fits[what]
    return read


def _compiled(text: str) -> re.Pattern[str]:
    """A pattern such as ``{subject}_{label}_*`` as an expression that fits a whole name."""
    names = [name for name in _FIELD.findall(text) if name]
    if "subject" not in names or set(names) - set(FIELDS) or len(set(names)) < len(names):
        raise FevbenchError(
            f"--subjects {text!r} is no pattern with a subject",
            "write {subject} once, {label} at most once, and * for the rest, or give a CSV file",
        )
    end, expression = 0, ""
    for field in _FIELD.finditer(text):
        expression += re.escape(text[end : field.start()])
        expression += f"(?P<{field[1]}>.+?)" if field[1] else ".*?"
        end = field.end()
    return re.compile(expression + re.escape(text[end:]))
