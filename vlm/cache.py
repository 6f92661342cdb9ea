"""What a frozen tower sees in each photograph, computed once and kept on disk as fp16."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from retinai.artifacts import read_tensors, write_tensors
from retinai.files import sha256_of, whole
from vlm.data import DRAWN, Conversation
from vlm.nano import fit_projection
from vlm.picture import Lens, turn
from vlm.settings import NanoConfig, View
from vlm.tower import LesionTower


class TokenCache:
    """`cache.fill(...)`, then `cache.read(conversation, view)` -> (cells, hidden_size) float32.

    folder: of all caches; every tower and setting has its own below it.
    """

    def __init__(self, folder: Path, tower: LesionTower, lens: Lens, config: NanoConfig) -> None:
        self.tower, self.lens, self.config = tower, lens, config
        unet = sha256_of(config.unet)
        settings = config.model_dump_json(include={"image_size", "tokens_per_side", "projected", "projection_photographs"})
        self.folder = folder / hashlib.sha256(f"{unet}{settings}".encode()).hexdigest()[:12]
        self.folder.mkdir(parents=True, exist_ok=True)

    def fit_tower(self, training: Sequence[Conversation]) -> None:
        """Set the tower's projection from training photographs evenly spread over the list, or from the cache."""
        path = self.folder / "projection.safetensors"
        if path.exists():
            tensors = read_tensors(path, "pt")
            self.tower.mean.copy_(tensors["mean"])
            self.tower.projection.copy_(tensors["projection"])
            return
        photographs = [each for each in training if each.source != DRAWN]
        chosen = photographs[:: max(1, len(photographs) // self.config.projection_photographs)]
        fit_projection(self.tower, [each.open() for each in chosen], self.lens)
        write_tensors(path, {"mean": self.tower.mean.cpu(), "projection": self.tower.projection.cpu()})

    def fill(self, conversations: Sequence[Conversation], views: Sequence[View], progress: Callable[[int], None]) -> None:
        """Compute what is not there yet."""
        for done, conversation in enumerate(conversations, start=1):
            missing: list[View] = [view for view in views if not self._path(conversation, view).exists()]
            image = conversation.open() if missing else None
            for view in missing:
                assert image is not None
                picture = self.lens.pixel_values(turn(image, view))[None].to(self.tower.device)
                with torch.no_grad():
                    tokens = self.tower(picture).last_hidden_state[0]
                with whole(self._path(conversation, view), "wb") as file:
                    np.save(file, tokens.half().cpu().numpy())
            progress(done)

    def read(self, conversation: Conversation, view: View) -> Tensor:
        return torch.from_numpy(np.load(self._path(conversation, view))).float()

    def _path(self, conversation: Conversation, view: View) -> Path:
        """Changes when the photograph does, so that a stale file is never read."""
        stamp = str(conversation.image)
        if conversation.source != DRAWN:
            status = conversation.image.stat()
            stamp += f"{status.st_size}{status.st_mtime_ns}"
        return self.folder / f"{conversation.id}-{view}-{hashlib.sha256(stamp.encode()).hexdigest()[:10]}.npy"


def dropped(tokens: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """The tokens with a share of them set to zero."""
    if share == 0:
        return tokens
    kept = torch.from_numpy(rng.random((len(tokens), 1)) >= share)
    return tokens * kept
