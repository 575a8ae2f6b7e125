"""Metrics of pixels: is a clip near the true one, is it clean, does it move, what does noise change?"""

from fevbench.metrics.metric import (
    HIGHER,
    INF,
    LOWER,
    Audit,
    Computation,
    Definition,
    Metric,
    Sampling,
)

LPIPS = "Zhang et al., CVPR 2018; version 0.1"

QUALITY = ("blur", "noise", "compression")
TIMING = ("shuffle", "freeze", "frame-drop", "jump", "jitter")
ANOTHER = ("identity-swap", "wrong-expression")
LOST = ("missing-face", "vanishing-face")

DIVERSITY = (
    Metric("diversity",
        Definition("diversity-lpips-alex-v01-4draws-noinput@1",
                   "diversity: LPIPS between clips of one face and label with different noise, good or bad",
                   "diversity", HIGHER, (0, INF),
                   "Zhu et al., BicycleGAN, NeurIPS 2017, frame by frame; LPIPS of Zhang et al., CVPR 2018",
                   decimals=4, ranked=False),  # noise is most diverse
        Sampling(noise_samples=4, first_frame=1),
        Computation("fevbench.metrics.pixels:diversity", "lpips-alex-draws"),
        selected_by="family"),
)  # fmt: skip

FIDELITY = (
    Metric("psnr",
        Definition("psnr-framemean-cap100-noinput@1",
                   "pixels, against the true clip: peak signal-to-noise ratio, mean over frames", "pixels",
                   HIGHER, (0, 100), "mean of per-frame values, identical frames count 100 dB", unit="dB",
                   decimals=2),
        Sampling(first_frame=1),
        Computation("fevbench.metrics.pixels:psnr", "squared-error"),
        Audit((*QUALITY, "colour", *TIMING, *ANOTHER, *LOST))),
    Metric("ssim",
        Definition("ssim-wang-gauss11-noinput@1",
                   "structure, against the true clip: SSIM, mean over frames and channels", "pixels", HIGHER,
                   (-1, 1), "Wang et al., IEEE TIP 2004"),
        Sampling(first_frame=1),
        Computation("fevbench.metrics.pixels:ssim", "similarity"),
        Audit((*QUALITY, *TIMING, *ANOTHER, *LOST))),
    Metric("ms-ssim",
        Definition("msssim-wang-gauss11-3scale-noinput@1",
                   "structure at three scales, against the true clip: MS-SSIM, mean over frames and channels",
                   "pixels", HIGHER, (0, 1),
                   "Wang, Simoncelli and Bovik, Asilomar 2003; three of its five scales (docs/metrics.md)"),
        Sampling(first_frame=1),
        Computation("fevbench.metrics.pixels:ms_ssim", "similarity"),
        Audit((*QUALITY, *TIMING, *ANOTHER, "missing-face"))),
    Metric("lpips",
        Definition("lpips-alex-v01-noinput@1",
                   "perceptual distance from the true clip: LPIPS with AlexNet, mean over frames", "pixels",
                   LOWER, (0, INF), LPIPS, decimals=4),
        Sampling(first_frame=1),
        Computation("fevbench.metrics.pixels:lpips", "lpips-alex"),
        Audit((*QUALITY, "colour", *TIMING, *ANOTHER, *LOST))),
    Metric("lpips-vgg",
        Definition("lpips-vgg-v01-noinput@1",
                   "perceptual distance from the true clip: LPIPS with VGG-16, mean over frames", "pixels",
                   LOWER, (0, INF), LPIPS, decimals=4),
        Sampling(first_frame=1),
        Computation("fevbench.metrics.pixels:lpips", "lpips-vgg"),
        Audit((*QUALITY, "shuffle", "freeze", *ANOTHER)),
        selected_by="family"),
    Metric("tlpips",
        Definition("tlpips-alex-v01-absdiff@1",
                   "change over time, against the true clip: difference of LPIPS between neighbouring frames",
                   "pixels", LOWER, (0, INF), "Chu et al., TecoGAN, ACM TOG 2020 (tLP); " + LPIPS,
                   decimals=4),
        Sampling(),
        Computation("fevbench.metrics.pixels:tlpips", "lpips-alex-next"),
        Audit(("shuffle", "freeze", "jitter", "noise"))),
    Metric("warping-error",
        Definition("warperr-dis256-trueflow@1",
                   "motion and steadiness, against the true clip: squared error after warping along the "
                   "true clip's flow",
                   "pixels", LOWER, (0, 1),
                   "Lai et al., ECCV 2018 (E_warp); flow of Kroeger et al., ECCV 2016, of the true clip",
                   decimals=6, truth_is_best=False),  # true clips have noise, and the flow its mistakes
        Sampling(),
        Computation("fevbench.metrics.pixels:warping_error", "warping"),
        Audit(("noise", "compression", "shuffle", "reversal", "freeze", "frame-drop", "jump", "jitter",
               "wrong-expression"), ("colour",)),
        selected_by="family"),
    Metric("brisque",
        Definition("brisque-svr770-noinput@1",
                   "clean picture, without a true clip: BRISQUE, mean over frames", "pixels", LOWER,
                   (-INF, INF), "Mittal, Moorthy and Bovik, IEEE TIP 2012; weights of the package brisque",
                   decimals=2, ranked=False),  # noisy faces have better values than true ones
        Sampling(first_frame=1),
        Computation("fevbench.metrics.pixels:brisque", "brisque"),
        Audit(("blur", "compression"), ("shuffle", "reversal")),  # a little noise makes it better
        selected_by="family"),
)  # fmt: skip

MOTION = (
    Metric("motion",
        Definition("motion-absdiff-ratio@1",
                   "amount of motion, against the true clip: agreement of the mean frame difference",
                   "motion", HIGHER, (0, 1),
                   "fevbench: min(a, b) / max(a, b) of the two clips' mean absolute frame difference"),
        Sampling(),
        Computation("fevbench.metrics.pixels:motion_agreement", "frame-difference"),
        Audit(("freeze", "shuffle", "jitter"))),
)  # fmt: skip
