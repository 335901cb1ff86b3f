"""A fake of Google's APIs, held to the documents that Google publishes about them."""
