"""The exercises of chapter 11, a folder each."""
