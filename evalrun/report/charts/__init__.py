"""The page's charts: figures in, shapes with coordinates out. Pure; a template writes the shapes down as SVG."""
