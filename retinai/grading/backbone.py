"""Any vision backbone by name, as a module that gives one feature vector a photograph.

    timm/efficientnet_b4   torchvision/mobilenet_v2   transformers/google/vit-base-patch16-224-in21k   clip/openai/clip-vit-base-patch16

Pretrained weights come from the library's hub, or from a safetensors file where there is no network. After training
the whole backbone is saved, and is built again without either.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from retinai.backend import prepare_torch

prepare_torch()

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from retinai.artifacts import read_tensors  # noqa: E402
from retinai.errors import ConfigError, MissingModelError, WeightsError  # noqa: E402

LIBRARIES = ("timm", "torchvision", "transformers", "clip")
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, where a library does not say
_NO_CODE: dict[str, Any] = {"trust_remote_code": False}  # said, or transformers asks at the terminal
_WRAPPINGS = ("", "encoder.", "backbone.", "model.", "net.")


@dataclass(frozen=True, slots=True)
class Spec:
    """What a backbone is built from, as it stands in the card. config: of transformers' models; mean, std: of pixels in 0..1."""

    library: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None
    mean: Sequence[float] = _MEAN
    std: Sequence[float] = _STD

    def values(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Backbone(nn.Module):
    """(N, 3, S, S) RGB in 0..255 -> (N, features). The normalisation is inside, so that nothing outside can get it wrong."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, features: int, spec: Spec) -> None:
        super().__init__()
        self.net, self.features, self.spec = net, features, spec
        for name, values in (("mean", spec.mean), ("std", spec.std)):
            self.register_buffer(name, torch.tensor(list(values), dtype=torch.float32).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        pixels = (images - self.mean) / self.std
        if self.spec.library == "clip":
            return self.net(pixel_values=pixels).image_embeds
        if self.spec.library == "transformers":
            return _pooled(self.net(pixel_values=pixels).last_hidden_state)
        return self.net(pixels)


def _pooled(hidden: Tensor) -> Tensor:
    """The CLS token of (N, tokens, C), or the mean of (N, C, H, W)."""
    return hidden[:, 0] if hidden.ndim == 3 else hidden.mean((2, 3))


def build_backbone(name: str, weights: str, size: int, options: Mapping[str, Any] | None = None) -> Backbone:
    """The backbone LIBRARY/NAME. weights: 'hub', 'none', or a safetensors file.

    Raises ConfigError for a name or size that the library does not have, MissingModelError where the hub cannot be reached.
    """
    library, _, rest = name.partition("/")
    if library not in LIBRARIES or not rest:
        raise ConfigError(f"no backbone {name!r}; it is LIBRARY/NAME with {', '.join(LIBRARIES)}")
    make = _of_transformers if library in ("transformers", "clip") else _of_images
    try:
        backbone = make(Spec(library, rest, dict(options or {})), weights == "hub", size)
    except OSError as error:
        raise MissingModelError(f"no weights of {name} here; give weights=FILE.safetensors ({str(error).splitlines()[0]})") from None
    if weights not in ("hub", "none"):
        load_pretrained(backbone.net, Path(weights))
    return backbone


def rebuild_backbone(spec: Mapping[str, Any], size: int) -> Backbone:
    """The backbone of a card, without weights."""
    make = _of_transformers if spec["library"] in ("transformers", "clip") else _of_images
    return make(Spec(**spec), False, size)


def _of_images(spec: Spec, pretrained: bool, size: int) -> Backbone:
    """From timm or torchvision: the network without its classifier."""
    if spec.library == "timm":
        import timm
        from timm.data.config import resolve_model_data_config

        if not timm.is_model(spec.name):
            near = ", ".join(timm.list_models(f"*{spec.name[:6]}*")[:5])
            raise ConfigError(f"timm has no {spec.name!r}{f'; near it: {near}' if near else ''}")
        net: Any = timm.create_model(spec.name, pretrained=pretrained, num_classes=0, **spec.options)
        data = resolve_model_data_config(net)
        features = int(getattr(net, "head_hidden_size", None) or net.num_features)
        return Backbone(net, features, Spec(spec.library, spec.name, spec.options, None, data["mean"], data["std"]))
    from torchvision import models

    if spec.name not in models.list_models():
        raise ConfigError(f"torchvision has no {spec.name!r}")
    net = models.get_model(spec.name, weights="DEFAULT" if pretrained else None, **spec.options)
    return Backbone(net, _cut_classifier(net), spec)


def _cut_classifier(net: Any) -> int:
    """Replace the last linear layer by nothing; returns how many features it took."""
    for name in ("fc", "classifier", "head", "heads"):
        part = getattr(net, name, None)
        last = part[-1] if isinstance(part, nn.Sequential) else part
        if isinstance(last, nn.Linear):
            if isinstance(part, nn.Sequential):
                part[-1] = nn.Identity()
            else:
                setattr(net, name, nn.Identity())
            return last.in_features
    raise ConfigError(f"no classifier is known of torchvision's {type(net).__name__}; take the one of timm")


def _of_transformers(spec: Spec, pretrained: bool, size: int) -> Backbone:
    from transformers import AutoConfig, AutoModel, CLIPVisionConfig, CLIPVisionModelWithProjection

    clip = spec.library == "clip"
    if spec.config is not None:
        values = dict(spec.config)
        kind = values.pop("model_type")
        config: Any = CLIPVisionConfig(**values) if clip else AutoConfig.for_model(kind, **values)
        net: Any = CLIPVisionModelWithProjection(config) if clip else AutoModel.from_config(config, **_NO_CODE)
        return Backbone(net, _width(config, clip), spec)
    config = CLIPVisionConfig.from_pretrained(spec.name) if clip else AutoConfig.from_pretrained(spec.name, **{**spec.options, **_NO_CODE})
    wanted = getattr(config, "image_size", size)
    if wanted != size:
        raise ConfigError(f"{spec.name} sees {wanted} px, not {size}: set size={wanted}")
    if pretrained:
        net = _pretrained(CLIPVisionModelWithProjection if clip else AutoModel, spec.name, config)
    else:
        net = CLIPVisionModelWithProjection(config) if clip else AutoModel.from_config(config, **_NO_CODE)
    mean, std = _normalisation(spec.name)
    return Backbone(net, _width(config, clip), Spec(spec.library, spec.name, spec.options, _plain(config), mean, std))


@contextmanager
def quietly() -> Iterator[None]:
    """Without the bars, tables and hints of transformers and its neighbours: what was loaded is checked here, and said in one line."""
    from transformers.utils import logging as words

    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it says at import that an optional kernel is not there
    level = words.get_verbosity()
    words.set_verbosity_error()
    words.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        words.set_verbosity(level)


def _pretrained(kind: Any, name: str, config: Any) -> nn.Module:
    """The model with its stored weights. What is stored in another shape would be left random without a word, so it is refused."""
    with quietly():
        net, report = kind.from_pretrained(
            name,
            config=config,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            **_NO_CODE,
        )
    lost = [*report["mismatched_keys"], *(key for key in report["missing_keys"] if "pooler" not in key)]  # no pooler is used
    if lost:
        raise WeightsError(
            f"the weights of {name} do not fill the model: {len(lost)} tensors missing or of another shape, such as {lost[0]}"
        )
    return net


def _width(config: Any, clip: bool) -> int:
    if clip:
        return config.projection_dim
    return config.hidden_sizes[-1] if hasattr(config, "hidden_sizes") else config.hidden_size


def _plain(config: Any) -> dict[str, Any]:
    """A transformers config for JSON, without where it came from."""
    return {key: value for key, value in config.to_diff_dict().items() if not key.startswith("_") and key != "architectures"} | {
        "model_type": config.model_type
    }


def _normalisation(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the model's own image processor."""
    from transformers import AutoImageProcessor

    processor: Any = AutoImageProcessor.from_pretrained(name, **_NO_CODE)
    return tuple(processor.image_mean), tuple(processor.image_std)


def text_embeddings(name: str, sentences: Sequence[str]) -> Tensor:
    """(K, features) unit-length CLIP embeddings of sentences, in the space of the image embeddings."""
    from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModelWithProjection

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **_NO_CODE)
        model: Any = _pretrained(CLIPTextModelWithProjection, name, CLIPTextConfig.from_pretrained(name))
    except OSError as error:
        raise MissingModelError(f"no text tower of {name} here ({str(error).splitlines()[0]})") from None
    tokens = tokenizer(list(sentences), padding=True, return_tensors="pt")
    with torch.no_grad():
        embeddings = model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).text_embeds
    return nn.functional.normalize(embeddings, dim=1)


def load_pretrained(net: nn.Module, path: Path) -> None:
    """Fill a network from a safetensors file, whatever its keys are wrapped in ('encoder.features.0' as 'features.0').

    The file may have more, such as a classifier or a decoder. Raises WeightsError unless every tensor of the network is there.
    """
    if not path.is_file():
        raise WeightsError(f"no weights at {path}")
    tensors, wanted = read_tensors(path, "pt"), net.state_dict()
    needed = [key for key in wanted if not key.endswith("num_batches_tracked")]
    for prefix in _WRAPPINGS:
        if all(prefix + key in tensors and tensors[prefix + key].shape == wanted[key].shape for key in needed):
            net.load_state_dict({key: tensors[prefix + key].to(wanted[key].dtype) for key in needed}, strict=False)
            return
    missing = next(key for key in needed if key not in tensors or tensors[key].shape != wanted[key].shape)
    raise WeightsError(f"{path} does not fit the backbone: no tensor {missing} of shape {tuple(wanted[missing].shape)}")
