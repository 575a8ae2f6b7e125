"""Folder layouts of published data sets as downloaded: one module each, which finds the recordings."""

from fevbench.data.layouts.layout import Layout
from fevbench.registry import Registry

layouts: Registry[Layout] = Registry(
    "data set to prepare",
    {
        "mug": "fevbench.data.layouts.mug:LAYOUT",
        "oulu-casia": "fevbench.data.layouts.oulu_casia:LAYOUT",
        "ck-plus": "fevbench.data.layouts.ck_plus:LAYOUT",
        "crema-d": "fevbench.data.layouts.crema_d:LAYOUT",
        "ravdess": "fevbench.data.layouts.ravdess:LAYOUT",
        "mead": "fevbench.data.layouts.mead:LAYOUT",
        "folder": "fevbench.data.layouts.folder:LAYOUT",
    },
)
