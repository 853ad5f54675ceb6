"""The exercises of chapter 2, a folder each."""
