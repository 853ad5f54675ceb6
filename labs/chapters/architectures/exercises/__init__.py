"""The exercises of chapter 13, a folder each."""
