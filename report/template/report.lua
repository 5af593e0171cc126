-- Number sections, figures, tables and equations in the order of the document, and fill in the references to them: by the same
-- code for HTML and PDF. Then write them as the format needs.

local html = FORMAT:match("html") ~= nil
local known = {}                                            -- label -> "Figure 3"
local counts = {figure = 0, table = 0, equation = 0, sections = {}, appendices = 0}
local summary = pandoc.Blocks{}
local NAMES = {Figure = true, Table = true, Equation = true, Section = true}

local function fail(message) error("report: " .. message, 0) end

local function raw(text) return pandoc.RawInline(html and "html" or "typst", text) end
local function raw_block(text) return pandoc.RawBlock(html and "html" or "typst", text) end
local function escape(text) return (text:gsub("[&<>\"]", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"})) end
local function quote(text) return '"' .. text:gsub('[\\"]', "\\%0") .. '"' end

local function record(label, name)
  if known[label] then fail("the label " .. label .. " is given twice") end
  known[label] = name
end

-- --- Numbers ---------------------------------------------------------------------------------------------------------

local function section_number(header)
  local sections = counts.sections
  if header.level == 1 and header.classes:includes("appendix") then
    counts.appendices = counts.appendices + 1
    counts.sections = {string.char(64 + counts.appendices)}
    return counts.sections[1], "Appendix"
  end
  for level = 1, header.level do sections[level] = sections[level] or 0 end
  for level = header.level + 1, #sections do sections[level] = nil end
  sections[header.level] = sections[header.level] + 1
  return table.concat(sections, "."), "Section"
end

local function number_header(header)
  local number, word = section_number(header)
  record(header.identifier, word .. "\u{a0}" .. number)
  local shown = html and pandoc.Span(number, {class = "section-number"}) or raw("#section-number[" .. number .. "]")
  header.content = pandoc.Inlines{shown, pandoc.Space()} .. header.content
  if html then header.level = header.level + 1 end          -- <h1> is the title
  return header
end

-- Typst sets |x| as a pair only where pandoc marks it, which it does for \left| and \right| alone.
local function pair_bars(text)
  text = text:gsub("\\lvert%f[%A]", "\\left|"):gsub("\\rvert%f[%A]", "\\right|")
  if text:find("\\%a*|") then return text end               -- \left|, \| and the like
  return (text:gsub("|([^|]*)|", "\\left|%1\\right|"))
end

-- Put every displayed equation into a box, in which a wide one can scroll, and number it if it has a label.
-- (`false` ends the walk here: it would find the same equation in the result again.)
local function number_equation(math)
  if not html then math.text = pair_bars(math.text) end
  if math.mathtype ~= "DisplayMath" then return nil end
  local label = math.text:match("\\label%s*{(.-)}")
  math.text = math.text:gsub("\\label%s*{.-}", "")
  if not label then return html and pandoc.Span(math, {class = "equation"}) or math, false end
  counts.equation = counts.equation + 1
  record(label, "Equation\u{a0}" .. counts.equation)
  if html then
    return pandoc.Span({math, pandoc.Span("(" .. counts.equation .. ")", {class = "number"})}, {id = label, class = "equation"}), false
  end
  return {raw('#numbered("' .. counts.equation .. '")['), math, raw("] <" .. label .. ">")}, false
end

-- --- Figures, tables, code -------------------------------------------------------------------------------------------

local function image_of(block)
  local image
  block:walk{Image = function(inner) image = inner end}
  return image
end

local function inline_image(image)
  if not html then
    return raw_block(string.format("#picture(%s, %s, %s)", quote(image.src .. ".svg"), image.attributes.width,
                                   quote(image.attributes.alt)))
  end
  local file = assert(io.open(image.src .. ".html", "rb"))
  local svg = file:read("a")
  file:close()
  return raw_block(svg)
end

-- Column widths. A table of numbers is as wide as its content, hence {}. One of long texts fills the line: a column's share
-- grows with the square root of its text, so that short columns need few line breaks.
local function widths(block)
  local sums, total, characters = {}, 0, 0
  for _, row in ipairs(block.bodies[1].body) do
    for i, cell in ipairs(row.cells) do sums[i] = (sums[i] or 0) + #pandoc.utils.stringify(cell.contents) end
  end
  for i, spec in ipairs(block.colspecs) do
    if spec[1] == "AlignRight" then return {} end
    characters, sums[i] = characters + sums[i], math.sqrt(sums[i])
    total = total + sums[i]
  end
  if characters < 100 * #block.bodies[1].body then return {} end
  for i in ipairs(sums) do sums[i] = sums[i] / total end
  return sums
end

local function plain_table(block)
  return block:walk{Table = function(inner)
    local width = widths(inner)
    for i, spec in ipairs(inner.colspecs) do inner.colspecs[i] = {spec[1], width[i]} end
    return inner
  end}
end

local function split_caption(div)
  local caption, content = pandoc.Blocks{}, pandoc.Blocks{}
  for _, block in ipairs(div.content) do
    if block.t == "Div" and block.classes:includes("caption") then caption = block.content else content:insert(block) end
  end
  return content, pandoc.utils.blocks_to_inlines(caption)
end

local function float(div, kind)
  counts[kind] = counts[kind] + 1
  local number, word = counts[kind], kind == "figure" and "Figure" or "Table"
  record(div.identifier, word .. "\u{a0}" .. number)
  local content, caption = split_caption(div)
  if kind == "figure" then content = pandoc.Blocks{inline_image(image_of(div))} end
  if not html then
    local head = string.format('#float(%s, "%s", "%s", [', kind == "figure" and "image" or "table", word, number)
    return pandoc.Blocks{pandoc.Plain(pandoc.Inlines{raw(head)} .. caption .. {raw("], [")})}
        .. content .. {raw_block("]) <" .. div.identifier .. ">")}
  end
  local label = pandoc.Span(word .. "\u{a0}" .. number .. ".", {class = "label"})
  local caption_blocks = pandoc.Blocks{raw_block("<figcaption>"), pandoc.Plain(pandoc.Inlines{label, pandoc.Space()} .. caption),
                                       raw_block("</figcaption>")}
  local open, close = raw_block('<figure class="' .. kind .. '" id="' .. div.identifier .. '">'), raw_block("</figure>")
  if kind == "figure" then return pandoc.Blocks{open} .. content .. caption_blocks .. {close} end
  return pandoc.Blocks{open} .. caption_blocks .. {pandoc.Div(content, {class = "scroll"}), close}
end

local function fold(div)
  if not html then return {} end
  return pandoc.Blocks{raw_block("<details><summary>" .. escape(div.attributes.summary) .. "</summary>")}
      .. div.content .. {raw_block("</details>")}
end

local function div(block)
  if block.classes:includes("fold") then return fold(block), false end
  if block.classes:includes("figure") then return float(block, "figure") end
  if block.classes:includes("table") then return float(plain_table(block), "table") end
end

-- Take the summary out of the text: the templates put it before the contents. Its headings would get numbers, so they go.
local function take_summary(block)
  if not block.classes:includes("summary") then return nil end
  summary:extend(block.content:walk{Header = function() return {} end})
  return {}
end

-- --- References ------------------------------------------------------------------------------------------------------

local function refer(link)
  local label = link.target:match("^#(.+)")
  if not label then return nil end
  if not known[label] then fail("a link leads to #" .. label .. ", but no figure, table, equation or section has this label") end
  if NAMES[pandoc.utils.stringify(link.content)] then link.content = {pandoc.Str(known[label])} end
  return link
end

local function is_space(inline) return inline and inline.t == "Space" end
local function begins(inline, pattern) return inline and inline.t == "Str" and inline.text:match("^" .. pattern) end

local function is_formula(inline) -- alone, or kept together with its punctuation
  return inline.t == "Math" and inline.mathtype == "InlineMath" or inline.t == "Span" and inline.classes:includes("together")
end

-- Allow no line break before a percent sign, nor between a formula and its bracket, comma or full stop; write minus signs.
local function keep_together(inlines)
  local result = pandoc.Inlines{}
  for i, inline in ipairs(inlines) do
    local last = result[#result]
    if begins(inline, "%-%d") then inline.text = "\u{2212}" .. inline.text:sub(2) end
    if is_space(inline) and begins(last, ".*%d$") and begins(inlines[i + 1], "%%") then
      result:insert(pandoc.Str("\u{a0}"))
    elseif html and last and (is_formula(last) and begins(inline, "[.,;:)]") or is_formula(inline) and begins(last, ".*%($")) then
      result[#result] = pandoc.Span({last, inline}, {class = "together"})
    else
      result:insert(inline)
    end
  end
  return result
end

function Pandoc(doc)
  doc = doc:walk{Div = take_summary}
  local whole = pandoc.Blocks{pandoc.Div(summary, {class = "front"})} .. doc.blocks
  whole = whole:walk{traverse = "topdown", Div = div, Header = number_header, Math = number_equation}
  whole = whole:walk{Link = refer, Inlines = keep_together}
  doc.meta.summary = pandoc.MetaBlocks(whole[1].content)
  whole:remove(1)
  doc.blocks = whole
  return doc
end
