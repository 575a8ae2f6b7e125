"""The one place where pixels become tensors and tensors pixels.

Pixels are ``uint8[..., H, W, 3]`` in 0..255; tensors are ``float32[..., 3, H, W]`` in [-1, 1].
"""

from __future__ import annotations

import numpy as np
import torch

from fevbench.data.clip import Frames

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Per channel, for pixels in [0, 1]: the normalisation of networks pretrained on ImageNet."""


def to_tensor(pixels: Frames, device: str | torch.device = "cpu") -> torch.Tensor:
    """``uint8[..., H, W, 3]`` to ``float32[..., 3, H, W]`` in [-1, 1]."""
    tensor = torch.from_numpy(np.array(pixels)).to(device)
    return tensor.movedim(-1, -3).to(torch.float32).div(127.5).sub(1.0)


def to_pixels(tensor: torch.Tensor) -> Frames:
    """``float[..., 3, H, W]`` in [-1, 1] to ``uint8[..., H, W, 3]``, clamped and rounded to nearest.

    ``to_pixels(to_tensor(p))`` is exactly ``p``.
    """
    scaled = tensor.detach().to(torch.float32).add(1.0).mul(127.5).clamp(0, 255).round()
    return np.ascontiguousarray(scaled.to(torch.uint8).movedim(-3, -1).cpu().numpy())
