"""What every metric is: definition id, direction, range, smallest sample, source.

Declarations only, so that listing metrics imports no network and no numerics. A metric's ``id``
names its exact definition (``docs/metrics.md``): whatever would change a number gets a new id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from fevbench.data.clip import EXPRESSIONS
from fevbench.registry import Registry, load_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Family = Literal["identity", "expression", "distribution", "pixels", "motion", "facial-motion"]
FAMILIES: tuple[str, ...] = get_args(Family)


@dataclass(frozen=True)
class Metric:
    """A metric's declaration.

    Attributes:
        name: What the command line and the tables call it.
        id: Its exact definition, with a version.
        title: What it measures, in a few words.
        family: Which kind of quality it looks at.
        higher_is_better: Its direction.
        range: Smallest and largest value it can take.
        unit: Its unit; empty if it has none.
        kind: ``clip``: one value a clip, their mean is reported. ``set``: one value for all clips.
        extractors: The networks whose features it needs.
        judged: Whether one of them is the data set's judge, whose hash becomes part of the id.
        reads: The labels it can tell apart; empty for metrics that do not mind.
        optional: Whether it is computed only when asked for by name.
        sample: What a set metric counts: ``frames`` or ``clips``.
        minimum: The smallest sample it is reported for.
        floor: For face metrics, the value that stands in for a missing face unless an observed one
            is worse; a face that vanishes can therefore never improve the number.
        citation: Where the definition comes from.
        target: The function that computes it.
        leave_out: For set metrics, a function that computes it without each group of people in turn, where
            there is a faster way than to compute it anew.
        labelled: For set metrics, whether it is told the label of each sample.
        notices: The damages of `fevbench audit` it must see.
        ignores: The damages it must not mind.
        reduction: For set metrics of clips that are seen frame by frame, the function that makes one row of a
            clip's features and its true clip's, or none where the true clip does not allow one.
        decimals: Digits after the point in a table.
    """

    name: str
    id: str
    title: str
    family: Family
    higher_is_better: bool
    range: tuple[float, float]
    kind: Literal["clip", "set"]
    citation: str
    target: str
    unit: str = ""
    extractors: tuple[str, ...] = ()
    judged: bool = False
    reads: tuple[str, ...] = ()
    optional: bool = False
    sample: Literal["frames", "clips"] = "clips"
    minimum: int = 1
    floor: float | None = None
    leave_out: str = ""
    labelled: bool = False
    notices: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    reduction: str = ""
    decimals: int = 3

    @property
    def compute(self) -> Callable[..., Any]:
        """The function behind the metric, imported now."""
        return cast("Callable[..., Any]", load_target(self.target))

    def without_each(self, arrays: Sequence[NDArray[Any]], groups: NDArray[np.int64]) -> list[float]:
        """The set metric without each group of samples in turn, for the jackknife.

        Args:
            arrays: What `compute` takes; each has a row a sample.
            groups: ``int64[N]``, the group of each sample, from 0.

        Returns:
            One number a group, in the groups' order.
        """
        if self.leave_out:
            leave_out = cast("Callable[..., list[float]]", load_target(self.leave_out))
            return leave_out(*arrays, groups)
        kept = [groups != group for group in sorted(set(groups.tolist()))]
        return [float(self.compute(*[array[some] for array in arrays])) for some in kept]

    @property
    def reduce(self) -> Callable[..., Any]:
        """The function that makes one row of a clip, imported now."""
        return cast("Callable[..., Any]", load_target(self.reduction))

    def by_judge(self, sha256: str | None) -> Metric:
        """The metric with the judge's hash in its id, if it is one that needs a judge and there is one."""
        if not self.judged or sha256 is None:
            return self
        stem, _, version = self.id.partition("@")
        return replace(self, id=f"{stem}-{sha256[:8]}@{version}")

    @property
    def arrow(self) -> str:
        """The direction as an arrow."""
        return "↑" if self.higher_is_better else "↓"

    def worst(self, values: list[float]) -> float:
        """The worst of some values."""
        return min(values) if self.higher_is_better else max(values)

    def best(self, values: list[float]) -> float:
        """The best of some values."""
        return max(values) if self.higher_is_better else min(values)

    def with_missing(self, values: Sequence[float | None]) -> list[float]:
        """What clips count in the mean: one without a value counts the floor, or the worst observed if worse.

        Args:
            values: One a clip that is not excused; at least one is a number.
        """
        observed = [value for value in values if value is not None]
        stand_in = self.worst(observed if self.floor is None else [*observed, self.floor])
        return [stand_in if value is None else value for value in values]


INF = float("inf")
SQRT2 = 2.0**0.5
ARCFACE = "Deng et al., ArcFace, CVPR 2019; network w600k_mbf of InsightFace (non-commercial research)"
LPIPS = "Zhang et al., CVPR 2018; version 0.1"

_ALL = (
    Metric(
        "csim",
        "csim-w600k_mbf-5pt@1",
        "identity kept: mean cosine of each frame's face to the input face",
        "identity",
        True,
        (-1, 1),
        "clip",
        ARCFACE,
        "fevbench.metrics.identity:csim",
        extractors=("arcface",),
        floor=0.0,
        notices=("identity-swap", "missing-face"),
        ignores=("shuffle", "reversal"),
    ),
    Metric(
        "csim-min",
        "csimmin-w600k_mbf-5pt@1",
        "identity never lost: smallest cosine of a frame's face to the input face",
        "identity",
        True,
        (-1, 1),
        "clip",
        ARCFACE,
        "fevbench.metrics.identity:csim_min",
        extractors=("arcface",),
        floor=0.0,
        notices=("identity-swap", "missing-face"),
        ignores=("shuffle", "reversal"),
    ),
    Metric(
        "rank-1",
        "rank1-w600k_mbf-meanface@1",
        "identification: share of clips whose face is nearest to the input's person, of all people scored",
        "identity",
        True,
        (0, 1),
        "clip",
        "closed-set identification, Phillips et al., FERET, TPAMI 2000; " + ARCFACE,
        "fevbench.metrics.identity:rank_1",
        extractors=("arcface",),
        floor=0.0,
        notices=("identity-swap", "missing-face"),
        ignores=("shuffle", "reversal", "freeze"),
    ),
    Metric(
        "acd",
        "acd-w600k_mbf-allpairs@1",
        "identity steady: mean distance between the faces of all pairs of frames",
        "identity",
        False,
        (0, 2),
        "clip",
        "Tulyakov et al., MoCoGAN, CVPR 2018 (ACD), with ArcFace for OpenFace",
        "fevbench.metrics.identity:acd",
        extractors=("arcface",),
        floor=SQRT2,
        notices=("identity-swap", "missing-face"),
        ignores=("shuffle", "reversal"),
    ),
    Metric(
        "acd-i",
        "acdi-w600k_mbf@1",
        "identity kept: mean distance of each frame's face to the input face",
        "identity",
        False,
        (0, 2),
        "clip",
        "Zhao et al., ECCV 2018 (ACD-I), with ArcFace for OpenFace",
        "fevbench.metrics.identity:acd_i",
        extractors=("arcface",),
        floor=SQRT2,
        notices=("identity-swap", "missing-face"),
        ignores=("shuffle", "reversal"),
    ),
    Metric(
        "face-rate",
        "facerate-scrfd500m@1",
        "detection rate: share of frames in which a face is found",
        "identity",
        True,
        (0, 1),
        "clip",
        "Guo et al., SCRFD, ICLR 2022",
        "fevbench.metrics.identity:face_rate",
        extractors=("arcface",),
        notices=("missing-face",),
        ignores=("shuffle", "reversal", "freeze", "jump", "identity-swap", "wrong-expression"),
    ),
    Metric(
        "accuracy",
        "accuracy-judge@1",
        "expression right: share of clips in which the data set's judge reads what was asked for",
        "expression",
        True,
        (0, 1),
        "clip",
        "fevbench: a small network trained on true clips of the train people (docs/metrics.md)",
        "fevbench.metrics.expression:accuracy",
        extractors=("judge",),
        judged=True,
        notices=("freeze", "wrong-expression"),
        ignores=("identity-swap",),
    ),
    Metric(
        "macro-f1",
        "macrof1-judge@1",
        "expression right, each as much as the others: mean of the labels' F1 in the judge's reading",
        "expression",
        True,
        (0, 1),
        "set",
        "mean of F1 of Opitz and Burst, 2019; judge of `accuracy`",
        "fevbench.metrics.expression:macro_f1_of_logits",
        extractors=("judge",),
        judged=True,
        labelled=True,
        minimum=12,
        notices=("freeze", "wrong-expression"),
        ignores=("identity-swap",),
    ),
    Metric(
        "accuracy-fer",
        "accuracy-fer-xception-half@1",
        "expression right to a stranger: share of clips read as asked for by mini-XCEPTION (FER2013)",
        "expression",
        True,
        (0, 1),
        "clip",
        "Arriaga et al., ESANN 2019; forced choice of six over the second half (docs/metrics.md)",
        "fevbench.metrics.expression:accuracy_fer",
        extractors=("fer-xception",),
        reads=EXPRESSIONS,
        optional=True,
        floor=0.0,
        notices=("freeze", "wrong-expression"),
    ),
    Metric(
        "accuracy-face-api",
        "accuracy-face-api-half@1",
        "expression right to a stranger: share of clips read as asked for by face-api.js's network",
        "expression",
        True,
        (0, 1),
        "clip",
        "Muehler, face-api.js, 2018; forced choice of six over the second half (docs/metrics.md)",
        "fevbench.metrics.expression:accuracy_face_api",
        extractors=("face-api",),
        reads=EXPRESSIONS,
        optional=True,
        floor=0.0,
        notices=("freeze", "wrong-expression"),
    ),
    Metric(
        "fid",
        "fid-inception2048-clean@1",
        "frames look real: Fréchet distance of Inception features of all frames",
        "distribution",
        False,
        (0, INF),
        "set",
        "Heusel et al., NeurIPS 2017; resize of Parmar et al., CVPR 2022",
        "fevbench.metrics.frechet:frechet_distance",
        extractors=("inception",),
        sample="frames",
        minimum=256,
        decimals=2,
        notices=("blur", "noise", "compression", "colour", "missing-face", "freeze"),
        ignores=("shuffle", "reversal"),
    ),
    Metric(
        "kid",
        "kid-inception2048-clean-full@1",
        "frames look real: unbiased kernel distance of Inception features",
        "distribution",
        False,
        (-INF, INF),
        "set",
        "Binkowski et al., Demystifying MMD GANs, ICLR 2018",
        "fevbench.metrics.kernel:kernel_distance",
        leave_out="fevbench.metrics.kernel:without_each",
        extractors=("inception",),
        sample="frames",
        minimum=64,
        decimals=4,
        notices=("blur", "noise", "compression", "colour", "missing-face"),
        ignores=("shuffle", "reversal"),
    ),
    Metric(
        "fvd",
        "fvd-i3d400-bilinear224@1",
        "videos look real: Fréchet distance of I3D features",
        "distribution",
        False,
        (0, INF),
        "set",
        "Unterthiner et al., FVD, 2018",
        "fevbench.metrics.frechet:frechet_distance",
        extractors=("i3d",),
        minimum=32,
        decimals=1,
        notices=("blur", "noise", "compression", "colour", "shuffle", "freeze", "jitter", "missing-face"),
    ),
    Metric(
        "kvd",
        "kvd-i3d400-bilinear224-full@1",
        "videos look real: unbiased kernel distance of I3D features",
        "distribution",
        False,
        (-INF, INF),
        "set",
        "Unterthiner et al., FVD, 2018 (KVD); kernel of Binkowski et al., ICLR 2018",
        "fevbench.metrics.kernel:kernel_distance",
        leave_out="fevbench.metrics.kernel:without_each",
        extractors=("i3d",),
        minimum=16,
        decimals=3,
        notices=("blur", "noise", "compression", "shuffle", "freeze", "jitter", "missing-face"),
    ),
    Metric(
        "precision",
        "precision-i3d400-bilinear224-k3@1",
        "videos look real: share within a real one's neighbourhood",
        "distribution",
        True,
        (0, 1),
        "set",
        "Kynkäänniemi et al., NeurIPS 2019; features of FVD",
        "fevbench.metrics.neighbours:precision",
        extractors=("i3d",),
        minimum=32,
        optional=True,
        notices=("noise", "blur"),
    ),
    Metric(
        "recall",
        "recall-i3d400-bilinear224-k3@1",
        "nothing is missing: share of real videos within a made one's neighbourhood",
        "distribution",
        True,
        (0, 1),
        "set",
        "Kynkäänniemi et al., NeurIPS 2019; features of FVD",
        "fevbench.metrics.neighbours:recall",
        extractors=("i3d",),
        minimum=32,
        optional=True,
        notices=("noise", "blur"),
    ),
    Metric(
        "density",
        "density-i3d400-bilinear224-k5@1",
        "videos look real: real neighbourhoods that one lies in, of five",
        "distribution",
        True,
        (0, INF),
        "set",
        "Naeem et al., ICML 2020; features of FVD",
        "fevbench.metrics.neighbours:density",
        extractors=("i3d",),
        minimum=32,
        optional=True,
        notices=("noise", "blur"),
    ),
    Metric(
        "coverage",
        "coverage-i3d400-bilinear224-k5@1",
        "nothing is missing: share of real neighbourhoods that hold a made video",
        "distribution",
        True,
        (0, 1),
        "set",
        "Naeem et al., ICML 2020; features of FVD",
        "fevbench.metrics.neighbours:coverage",
        extractors=("i3d",),
        minimum=32,
        optional=True,
        notices=("noise", "blur"),
    ),
    Metric(
        "psnr",
        "psnr-framemean-cap100@1",
        "pixels match the true clip: peak signal-to-noise ratio, mean over frames",
        "pixels",
        True,
        (0, 100),
        "clip",
        "mean of per-frame values, identical frames count 100 dB",
        "fevbench.metrics.pixels:psnr",
        unit="dB",
        decimals=2,
        notices=(
            "blur",
            "noise",
            "compression",
            "colour",
            "shuffle",
            "freeze",
            "frame-drop",
            "jump",
            "jitter",
            "identity-swap",
            "wrong-expression",
            "missing-face",
        ),
    ),
    Metric(
        "ssim",
        "ssim-wang-gauss11@1",
        "structure matches the true clip: SSIM, mean over frames and channels",
        "pixels",
        True,
        (-1, 1),
        "clip",
        "Wang et al., IEEE TIP 2004",
        "fevbench.metrics.pixels:ssim",
        notices=(
            "blur",
            "noise",
            "compression",
            "shuffle",
            "freeze",
            "frame-drop",
            "jump",
            "jitter",
            "identity-swap",
            "wrong-expression",
            "missing-face",
        ),
    ),
    Metric(
        "lpips",
        "lpips-alex-v01@1",
        "looks like the true clip: LPIPS with AlexNet, mean over frames",
        "pixels",
        False,
        (0, INF),
        "clip",
        LPIPS,
        "fevbench.metrics.perception:lpips_alex",
        extractors=("lpips-alex",),
        notices=(
            "blur",
            "noise",
            "compression",
            "colour",
            "shuffle",
            "freeze",
            "frame-drop",
            "jump",
            "jitter",
            "identity-swap",
            "wrong-expression",
            "missing-face",
        ),
        decimals=4,
    ),
    Metric(
        "lpips-vgg",
        "lpips-vgg-v01@1",
        "looks like the true clip: LPIPS with VGG-16, mean over frames",
        "pixels",
        False,
        (0, INF),
        "clip",
        LPIPS,
        "fevbench.metrics.perception:lpips_vgg",
        extractors=("lpips-vgg",),
        optional=True,
        notices=("blur", "noise", "compression", "shuffle", "freeze", "identity-swap", "wrong-expression"),
        decimals=4,
    ),
    Metric(
        "tlpips",
        "tlpips-alex-v01-absdiff@1",
        "changes as the true clip does: difference of LPIPS between neighbouring frames",
        "pixels",
        False,
        (0, INF),
        "clip",
        "Chu et al., TecoGAN, ACM TOG 2020 (tLP); " + LPIPS,
        "fevbench.metrics.perception:tlpips",
        extractors=("lpips-alex-next",),
        notices=("shuffle", "freeze", "jitter", "noise"),
        decimals=4,
    ),
    Metric(
        "motion",
        "motion-absdiff-ratio@1",
        "as much motion as the true clip: agreement of the mean frame difference",
        "motion",
        True,
        (0, 1),
        "clip",
        "fevbench: min(a, b) / max(a, b) of the two clips' mean absolute frame difference",
        "fevbench.metrics.pixels:motion_agreement",
        notices=("freeze", "shuffle", "jitter"),
    ),
    # Facial motion, by MediaPipe's face landmarker.
    Metric(
        "mesh-rate",
        "meshrate-mediapipe@1",
        "detection rate: share of frames in which the landmarker finds a face",
        "facial-motion",
        True,
        (0, 1),
        "clip",
        "Kartynnik et al., CVPR Workshops 2019 (MediaPipe Face Mesh)",
        "fevbench.metrics.facial_motion:mesh_rate",
        extractors=("face-mesh",),
        optional=True,
        notices=("missing-face",),
        ignores=("shuffle", "reversal", "freeze", "jump"),
    ),
    Metric(
        "expression-error",
        "expressionerr-mediapipe41-l1@1",
        "the expression frame by frame: mean difference of 41 blendshapes to the true clip's",
        "facial-motion",
        False,
        (0, 1),
        "clip",
        "AED of Ren et al., PIRenderer, ICCV 2021, with ARKit blendshapes for 3DMM coefficients",
        "fevbench.metrics.facial_motion:expression_error",
        extractors=("face-mesh",),
        optional=True,
        floor=1.0,
        decimals=4,
        notices=("shuffle", "freeze", "wrong-expression", "jump"),
        ignores=("colour",),
    ),
    Metric(
        "intensity-corr",
        "intensitycorr-mediapipe41@1",
        "the expression comes and goes with the true one: correlation of the curves of intensity",
        "facial-motion",
        True,
        (-1, 1),
        "clip",
        "fevbench: Pearson's r over frames of the mean change of 41 blendshapes from the input face",
        "fevbench.metrics.facial_motion:intensity_corr",
        extractors=("face-mesh",),
        optional=True,
        floor=-1.0,
        notices=("shuffle", "freeze", "reversal"),
    ),
    Metric(
        "peak-timing",
        "peaktiming-mediapipe41-plateau10@1",
        "the expression peaks when the true one does: distance in time, as a part of the clip",
        "facial-motion",
        False,
        (0, 1),
        "clip",
        "fevbench: of the curves of intensity (docs/metrics.md)",
        "fevbench.metrics.facial_motion:peak_timing",
        extractors=("face-mesh",),
        optional=True,
        floor=1.0,
        notices=("freeze", "reversal"),
    ),
    Metric(
        "apex-intensity",
        "apexintensity-mediapipe41-ratio@1",
        "as strong as the true expression: agreement of the highest intensity",
        "facial-motion",
        True,
        (0, 1),
        "clip",
        "fevbench: min(a, b) / max(a, b) of the two curves' highest values (docs/metrics.md)",
        "fevbench.metrics.facial_motion:apex_intensity",
        extractors=("face-mesh",),
        optional=True,
        floor=0.0,
        notices=("freeze",),
        ignores=("shuffle", "reversal"),
    ),
    Metric(
        "mesh-motion",
        "meshmotion-mediapipe468-ratio@1",
        "the face moves as much as the true one, head left out: agreement of the landmarks' mean speed",
        "facial-motion",
        True,
        (0, 1),
        "clip",
        "fevbench: min(a, b) / max(a, b) of the two clips' mean speed (docs/metrics.md)",
        "fevbench.metrics.facial_motion:mesh_motion",
        extractors=("face-mesh",),
        optional=True,
        floor=0.0,
        notices=("freeze", "shuffle"),
        ignores=("reversal",),
    ),
    Metric(
        "mesh-jitter",
        "meshjitter-mediapipe468-diff3@1",
        "the face does not tremble, head left out: the landmarks' mean jerk; 0 if frozen",
        "facial-motion",
        False,
        (0, INF),
        "clip",
        "jitter of Yi et al., TransPose, SIGGRAPH 2021 (mean jerk), on landmarks of the face",
        "fevbench.metrics.facial_motion:mesh_jitter",
        unit="IOD",
        extractors=("face-mesh",),
        optional=True,
        floor=1.0,
        decimals=4,
        notices=("shuffle", "noise"),
        ignores=("reversal",),
    ),
    Metric(
        "pose-error",
        "poseerr-mediapipe-geodesic@1",
        "the head held as in the true clip: mean angle between the two heads, frame by frame",
        "facial-motion",
        False,
        (0, 180),
        "clip",
        "APD of Ren et al., PIRenderer, ICCV 2021, as an angle; metric of Huynh, JMIV 2009",
        "fevbench.metrics.facial_motion:pose_error",
        unit="°",
        extractors=("face-mesh",),
        optional=True,
        floor=90.0,
        decimals=2,
        notices=("identity-swap", "missing-face"),
    ),
    Metric(
        "fbd",
        "fbd-mediapipe12x3@1",
        "faces move like real ones: Fréchet distance of the blendshapes' trajectories",
        "facial-motion",
        False,
        (0, INF),
        "set",
        "fevbench: Heusel et al., NeurIPS 2017, on 12 groups of blendshapes x 3 cosine terms in time",
        "fevbench.metrics.frechet:frechet_distance",
        reduction="fevbench.metrics.trajectory:trajectory",
        extractors=("face-mesh",),
        optional=True,
        minimum=48,
        decimals=4,
        notices=("freeze", "shuffle", "reversal"),
    ),
)

metrics: Registry[Metric] = Registry("metric", {metric.name: metric for metric in _ALL})
