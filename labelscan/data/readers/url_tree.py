"""The folders of a storage as the tree that class folders are listed from: made of one listing of all its files."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from labelscan.data.readers.folder_listing import Entry


@dataclass(frozen=True, slots=True)
class UrlEntry:
    """A file or folder of a storage, where there are no links."""

    name: str
    is_folder: bool = False

    def is_dir(self) -> bool:
        return self.is_folder

    def is_file(self) -> bool:
        return not self.is_folder

    def is_symlink(self) -> bool:
        return False


class UrlTree:
    """Folders in folders, by the paths of the files in them."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._files: dict[str, list[str]] = defaultdict(list)
        self._folders: dict[str, set[str]] = defaultdict(set)
        for path in paths:
            folder, _, name = path.rpartition("/")
            self._files[folder].append(name)
            while folder:
                parent, _, name = folder.rpartition("/")
                if name in self._folders[parent]:
                    break
                self._folders[parent].add(name)
                folder = parent

    def entries(self, folder: str) -> Iterator[Entry]:
        yield from (UrlEntry(name, is_folder=True) for name in sorted(self._folders.get(folder, ())))
        yield from (UrlEntry(name) for name in self._files.get(folder, ()))

    def identity(self, folder: str) -> Hashable:
        return folder
