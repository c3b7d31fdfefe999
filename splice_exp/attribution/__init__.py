"""COCOA: which pixels make an image resemble a corpus rather than a foil?"""
