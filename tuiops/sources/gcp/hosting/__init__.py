"""Firebase Hosting: what was released to a site's live channel, and by whom (Firebase Hosting API v1beta1)."""
