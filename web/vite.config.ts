import { defineConfig } from "vitest/config";

// Relative addresses everywhere, so that the console also works behind a proxy that serves it under a path.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../api/static",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0, // the content security policy of the server wants files, not data: URLs
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200, // MapLibre is one module of 1.1 MB (300 kB compressed); the rest is small
    // The server reads in it what the script of its own pages is called.
    manifest: "assets/manifest.json",
    rollupOptions: {
      input: ["index.html", "dispatch.html", "src/pages.ts"],
      output: {
        // MapLibre changes with its version only, the console with every build: two files, so that caches keep the first.
        manualChunks: (id: string) => (id.includes("h3-js") ? "h3" : id.includes("node_modules") ? "maplibre" : undefined),
      },
    },
  },
  worker: { format: "es" },
  server: {
    proxy: Object.fromEntries(
      ["/locate", "/tiles", "/styles", "/cameras", "/manhole_covers", "/cases", "/geocode", "/suggest", "/reverse"].map((path) => [path, process.env["GISGRID_URL"] ?? "http://127.0.0.1:8000"]),
    ),
  },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
