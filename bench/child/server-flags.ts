/** What bin/coax starts Node with: what is measured starts alike. */
export const SERVER_FLAGS = ['--disable-warning=ExperimentalWarning', '--no-allocation-site-pretenuring'];
