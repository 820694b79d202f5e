"""What HelseID does, row by row (rows.yaml), and the tests that show it, found by their ``covers`` markers."""
