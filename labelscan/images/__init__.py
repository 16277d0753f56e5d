"""Images: where they are, their pixels, and the rows on disk that folds and runs share."""
