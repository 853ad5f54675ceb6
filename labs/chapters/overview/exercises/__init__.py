"""The exercises of chapter 1, a folder each."""
