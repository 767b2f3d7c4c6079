import { encode } from "uqr";

/** A text as a QR code: dark on light in both themes, for that is what cameras read. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { border: 2 });
  const dark = data.flatMap((row, y) => row.map((on, x) => (on ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} className="size-44 rounded-control bg-white">
      <path d={dark} fill="#000" shapeRendering="crispEdges" />
    </svg>
  );
}
