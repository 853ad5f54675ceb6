"""The exercises of chapter 4, a folder each."""
