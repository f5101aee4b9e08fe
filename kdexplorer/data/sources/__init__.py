"""One file each: see `kdexplorer.data.spec`."""
