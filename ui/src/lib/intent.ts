/**
 * Calls back with the path of each link of this site that somebody is about to follow: the pointer is on it, or the
 * focus. Answers how to stop that.
 */
export function onIntent(prepare: (pathname: string) => void): () => void {
  const hear = ({ target }: Event) => {
    const link = target instanceof Element ? target.closest<HTMLAnchorElement>("a[href]") : null;
    if (link && !link.target && link.origin === window.location.origin) prepare(link.pathname);
  };
  document.addEventListener("pointerover", hear, { passive: true });
  document.addEventListener("focusin", hear);
  return () => {
    document.removeEventListener("pointerover", hear);
    document.removeEventListener("focusin", hear);
  };
}
