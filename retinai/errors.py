"""What can go wrong and be expected. One line for the user, a traceback only with --debug.

RetinaiError                exit 2
├── UsageError              contradictory or unknown arguments
├── ConfigError             an unknown key or a value out of range in a config
├── ImageError              a file that is no readable photograph (exit 1 in a batch)
├── OutputError             results that cannot be written: a full disk, no permission (exit 1 in a batch)
├── DataError               a dataset folder that is not laid out as expected
├── WeightsError            weights that are missing or do not match their checksum or card
│   └── OtherWeightsError   a grader that was fitted on other lesion weights than those in use
├── MissingModelError       a model that is not on this machine; says how to get it
├── ServerError             a model server that does not answer, or not as agreed
└── SaliencyError           nothing to show where a model looked
"""

from __future__ import annotations


class RetinaiError(Exception):
    """An expected failure, whose text is the line that the user reads."""


class UsageError(RetinaiError):
    pass


class ConfigError(RetinaiError):
    pass


class ImageError(RetinaiError):
    pass


class OutputError(RetinaiError):
    pass


class DataError(RetinaiError):
    pass


class WeightsError(RetinaiError):
    pass


class OtherWeightsError(WeightsError):
    pass


class MissingModelError(RetinaiError):
    pass


class ServerError(RetinaiError):
    pass


class SaliencyError(RetinaiError):
    pass
