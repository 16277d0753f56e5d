"""The command line in this process, as the tests of its commands run it."""

from cli.conftest import command as command
from cli.conftest import quick_estimates as quick_estimates
