"""Settings: what can be set, where values come from, and which settings count as the same.

A new setting is one field in ``sections.py``: its flag, help, TOML key and place in the reference follow from it.
"""

from labelscan.config.sections import (
    LEADING_DETECTOR,
    CacheConfig,
    Config,
    DatasetConfig,
    DetectionConfig,
    DeviceConfig,
    ExecutorConfig,
    FoldsConfig,
    GateConfig,
    ModelConfig,
    StoreConfig,
    TrainingConfig,
    settings,
)
from labelscan.config.setting import Setting
from labelscan.config.sources import (
    RUN_JSON_SETTINGS,
    build,
    find_config,
    fingerprint,
    flatten,
    nested,
    read_file,
    resolve,
    settings_that_matter,
    shipped_configs,
)

__all__ = [
    "LEADING_DETECTOR",
    "RUN_JSON_SETTINGS",
    "CacheConfig",
    "Config",
    "DatasetConfig",
    "DetectionConfig",
    "DeviceConfig",
    "ExecutorConfig",
    "FoldsConfig",
    "GateConfig",
    "ModelConfig",
    "Setting",
    "StoreConfig",
    "TrainingConfig",
    "build",
    "find_config",
    "fingerprint",
    "flatten",
    "nested",
    "read_file",
    "resolve",
    "settings",
    "settings_that_matter",
    "shipped_configs",
]
