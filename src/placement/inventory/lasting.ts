/**
 * Memory, in bytes, for what lives as long as the process. The collector counts ordinary buffers with what may be garbage, and walks
 * through everything there is for each 64 MB of them; those that could be shared with other threads it does not count.
 */
export const lasting = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);
