"""The viewer around drawn models, as a script that Streamlit can run. RETINAI_TEST_SLOW: seconds that every photograph takes longer."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).parent))

from standin_detector import pipeline

from apps.cases import Case, Upload
from apps.feedback import Store
from apps.page import show
from apps.service import Service
from apps.settings import Settings


class SlowService(Service):
    """So that a queue can be seen."""

    def read(self, upload: Upload) -> Case:
        time.sleep(float(os.environ.get("RETINAI_TEST_SLOW", "0")))
        return super().read(upload)


@st.cache_resource(show_spinner=False)
def service(settings: Settings) -> Service:
    return SlowService(pipeline(), Store(Path(settings.feedback)))


show(lambda: service(Settings.read()))
