export const HTML = 'text/html; charset=utf-8';
/** Such a page runs nothing, loads nothing and stands in no frame. */
export const HTML_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** A page for people that needs no console. `body` is HTML already; `title` is text. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>body{font:1rem/1.5 system-ui;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
dt{font-weight:600;margin-top:.5rem}dd{margin:0}</style></head>
<body><h1>${escaped(title)}</h1>${body}</body></html>
`;
}

/** Text for HTML, outside of tags; what stands between backquotes is shown as code. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/`([^`]*)`/g, '<code>$1</code>');
}
