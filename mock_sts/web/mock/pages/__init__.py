"""Our own pages: home, the doctor, and the page that chooses who logs in in a browser."""
