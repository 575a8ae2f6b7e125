"""short-64: eight frames of 64 px, spread over the whole clip, of the validation split."""

from fevbench.data.protocol import Protocol

SHORT_64 = Protocol("short-64", version=1, size=64, frames=8, stride=1, split="val", reads_to_end=True)
