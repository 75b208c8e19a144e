// check_report.js - what a browser finds wrong with a report, a line each on the console. For tests/check_report.sh.
(() => {
  const faults = [], fault = (...words) => faults.push(words.join(' ').replace(/\s+/g, ' '));
  document.querySelectorAll('details').forEach(d => { d.open = true; });

  // Contrast of letters to what lies behind them (WCAG 2.2, 1.4.3): at least 4.5.
  const numbers = colour => (colour.match(/[\d.]+/g) || []).map(Number);
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const contrast = (a, b) => { const x = luminance(a) + 0.05, y = luminance(b) + 0.05; return x > y ? x / y : y / x; };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
      if (c[3] > 0) fault('a ground that shines through:', e.tagName);
    }
    fault('no ground behind', element.tagName);
    return [255, 255, 255];
  };
  let texts = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), seen = new Map();
  for (let node; (node = walk.nextNode());) {
    const element = node.parentElement, svg = element.namespaceURI.endsWith('svg');
    if (!node.data.trim() || !element.getClientRects().length || element.tagName === 'SCRIPT') continue;
    const style = getComputedStyle(element), letters = numbers(svg ? style.fill : style.color), behind = ground(element), ratio = contrast(letters, behind);
    texts++;
    if (svg && element.closest('figure') && parseFloat(style.opacity) < 1) fault('letters that shine through:', node.data.trim());
    if (ratio < 4.5) seen.set(`${letters} on ${behind}: ${ratio.toFixed(2)}`, node.data.trim().slice(0, 40));
  }
  for (const [where, what] of seen) fault('contrast', where, what);

  // Width.
  const wide = document.documentElement.scrollWidth, seenWide = innerWidth;
  if (wide > seenWide) fault(`the page is ${wide} wide in a window of ${seenWide}`);
  document.querySelectorAll('body *').forEach(e => {
    if (e.closest('.scroll table') || e.closest('.picture > svg')) return; // in frames that scroll
    const r = e.getBoundingClientRect();
    if (r.width && (r.right > seenWide + 0.5 || r.left < -0.5)) fault('sticks out:', e.tagName, e.className.baseVal ?? e.className, r.left.toFixed(1), r.right.toFixed(1));
  });

  // Figures.
  const figures = document.querySelectorAll('figure');
  figures.forEach(f => {
    const svg = f.querySelector('svg'), name = f.id || '?';
    if (!svg || svg.getAttribute('role') !== 'img' || (svg.getAttribute('aria-label') || '').length < 40) fault('figure', name, 'has no alternative text');
    if ((f.querySelector('figcaption')?.textContent || '').trim().length < 60) fault('figure', name, 'has no caption that says what to see');
    if (svg && svg.getBoundingClientRect().height < 50) fault('figure', name, 'is not seen');
    const size = e => parseFloat(getComputedStyle(e).fontSize) * svg.getScreenCTM().a; // in pixels of the window
    const least = svg ? [...svg.querySelectorAll('text')].sort((a, b) => size(a) - size(b))[0] : null;
    if (least && size(least) < 8) fault('figure', name, `has letters of ${size(least).toFixed(1)} pixels:`, least.textContent.trim().slice(0, 40));
  });
  document.querySelectorAll('img').forEach(i => { if (!i.alt) fault('an image without alternative text'); });

  const place = `${location.pathname.split('/').pop().replace('with-', '').replace('.html', '')} ${seenWide} ${matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'}`;
  console.log(`checked: ${place}: ${figures.length} figures, ${texts} texts`);
  faults.forEach(f => console.log(`fault: ${place}: ${f}`));
})();
