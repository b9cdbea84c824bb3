"""Farms to plan, by a recipe."""
