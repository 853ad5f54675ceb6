"""The exercises of chapter 3, a folder each."""
