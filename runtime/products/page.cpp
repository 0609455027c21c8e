#include "runtime/products/page.h"

#include <string_view>

#include "runtime/products/html.h"

namespace altocast {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--quiet:#5d6671;--line:#d8dde3;--bar:#cfe6f5;--heat:#0072b2}
@media(prefers-color-scheme:dark){:root{--back:#121418;--text:#e4e7eb;--quiet:#98a1ab;--line:#2c323a;--bar:#1d3e52;--heat:#56b4e9}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1360px;padding:2rem 1.2rem 4rem;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2.4rem 0 .7rem}p{margin:.2rem 0;color:var(--quiet)}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:1rem;margin-top:1.4rem}
figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:.8rem}
figcaption{font-weight:600}svg{width:100%;display:block}
svg text{fill:var(--quiet);font-size:12px}
.grid{stroke:var(--line)}.mark{stroke:var(--quiet);stroke-dasharray:2 3}
g path,.legend path{fill:none;stroke:var(--c);stroke-width:2;stroke-dasharray:var(--d,none)}
circle{fill:var(--c)}circle:hover{opacity:1}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem}.legend span{display:flex;align-items:center;gap:.4rem}.legend svg{width:26px}
.s0{--c:#0072b2}.s1{--c:#d55e00;--d:7 3}.s2{--c:#009e73;--d:2 3}.s3{--c:#cc79a7;--d:9 3 2 3}
.s4{--c:#56b4e9}.s5{--c:#e69f00;--d:7 3}.s6{--c:#8a7f00;--d:2 3}.s7{--c:#888;--d:9 3 2 3}
.heat{fill:var(--heat)}.map svg{min-width:560px}.map{overflow-x:auto}.shades{align-self:center;width:8rem;height:.7em;background:linear-gradient(90deg,transparent,var(--heat))}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid var(--line);position:relative}
th{color:var(--quiet);font-weight:500}th:first-child,td:first-child{text-align:left}.maps table{width:auto}.maps td,.maps th{text-align:center;border:0}.maps img{display:block;width:150px;margin:auto}.wide td,.wide th{white-space:nowrap}
td i{position:absolute;inset:2px auto 2px 0;background:var(--bar);z-index:-1}
@media(max-width:600px){.line svg text{font-size:17px}}
pre{overflow-x:auto;border:1px solid var(--line);border-radius:8px;padding:.8rem;font-size:.85rem}
)";

}  // namespace

std::string page_start(const std::string& title, const std::string& heading) {
  return "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width,initial-scale=1\"><title>" +
         html(title) + "</title><style>" + std::string(kStyle) + "</style></head><body><h1>" + html(heading) + "</h1>";
}

}  // namespace altocast
