#include "checkpoint/gguf_pre_tokenizers.h"

#include <algorithm>
#include <array>
#include <string>

namespace spate {
namespace {

// Where a model's own tokenizer.json is public, its pattern stands here, which is what the model was trained with;
// other programs spell some of them differently because their regular expressions can do less.
constexpr GgufPattern kGpt2Regex{.known = KnownPattern::kGpt2};
constexpr GgufPattern kLlama3Regex{.known = KnownPattern::kLlama3};
constexpr GgufPattern kQwen2Regex{.known = KnownPattern::kQwen2};
constexpr GgufPattern kQwen35Regex{.known = KnownPattern::kQwen35};
constexpr GgufPattern kO200kRegex{.known = KnownPattern::kO200k};
constexpr GgufPattern kTekkenRegex{.known = KnownPattern::kTekken};
constexpr GgufPattern kDeepSeek3Regex{.known = KnownPattern::kDeepSeek};
constexpr GgufPattern kThreeNumbers{.known = KnownPattern::kNumbersOfThree};
constexpr GgufPattern kHanAndKana{.known = KnownPattern::kHanAndKana};
constexpr GgufPattern kNumber{R"(\p{N})"};
constexpr GgufPattern kNumbers{R"(\p{N}+)"};
constexpr GgufPattern kThreeDigits{"[0-9][0-9][0-9]"};
constexpr GgufPattern kSpaceLetters{R"(\s?\p{L}+)"};
constexpr GgufPattern kSpacePunctuation{R"(\s?\p{P}+)"};
constexpr GgufPattern kSpacesAtEnd{R"(\s+$)"};
constexpr GgufPattern kNoSpaces{R"(\S+)"};
constexpr GgufPattern kFalconPunctuation{R"re([\p{P}\$\+<=>\^~\|`]+)re"};
constexpr GgufPattern kPunctuation{R"re([\p{P}\$\+<=>\^~\|]+)re"};
constexpr GgufPattern kLineBreak{R"re([\r\n])re"};
constexpr GgufPattern kLines{R"re([^\n]+|[\n]+)re"};
constexpr GgufPattern kDeepSeekLetters{
    R"re(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)re"};
constexpr GgufPattern kDeepSeekPunctuation{R"re(\s?[!-/:-~！-／：-～‘-‟　-。]+)re"};
constexpr GgufPattern kCjk{R"re([一-龥ࠀ-一가-퟿]+)re"};
constexpr GgufPattern kBloom{R"re( ?[^(\s|.,!?…。，、।۔،)]+)re"};
constexpr GgufPattern kYoutuAsian{
    R"re([가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+)re"};
constexpr GgufPattern kYoutu{
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"};
constexpr GgufPattern kKimi{
    R"re(\p{Han}+|[^\r\n\p{L}\p{N}]?(?:(?!\p{Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])*(?:(?!\p{Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?(?:(?!\p{Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])+(?:(?!\p{Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"};
constexpr GgufPattern kAfmoeAsian{
    R"re([一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+)re"};
constexpr GgufPattern kJais2{
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})re"};
constexpr GgufPattern kBailing{
    R"re('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)re"};
constexpr GgufPattern kSeedCoder{
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)re"};
constexpr GgufPattern kExaoneMoe{
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)re"};
constexpr GgufPattern kMiniCpm5{
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"};
constexpr GgufPattern kThousands{R"re(\d{1,3}(?=(?:\d{3})*\b))re"};
constexpr GgufPattern kThousandsOfDigits{R"re(\p{N}+?(?=(?:\d{3})+(?!\d)))re"};
constexpr GgufPattern kThousandsOfNumbers{R"re(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))re"};
constexpr GgufPattern kSentinel{R"re(<sentinel:[0-9]+>)re"};
constexpr GgufPattern kImage{R"re((IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z)re"};
constexpr GgufPattern kSpaces{R"re(([\t\n]|    |  ))re"};
constexpr GgufPattern kEachPunctuation{R"re([\p{P}!-/:-@\[-`{-~])re"};

constexpr GgufPattern kDefault[] = {kPunctuation, kGpt2Regex, kNumbers, kThreeDigits};
constexpr GgufPattern kGpt2[] = {kGpt2Regex};
constexpr GgufPattern kLlama3[] = {kLlama3Regex};
constexpr GgufPattern kQwen2[] = {kQwen2Regex};
constexpr GgufPattern kQwen35[] = {kQwen35Regex};
constexpr GgufPattern kO200k[] = {kO200kRegex};
constexpr GgufPattern kTekken[] = {kTekkenRegex};
constexpr GgufPattern kFalcon[] = {kFalconPunctuation, kGpt2Regex, kThreeDigits};
constexpr GgufPattern kStarCoder[] = {kNumber, kGpt2Regex};
constexpr GgufPattern kDeepSeekLlm[] = {kLineBreak, kDeepSeekLetters, kDeepSeekPunctuation, kSpacesAtEnd,
                                        kCjk,       kNumbers};
constexpr GgufPattern kDeepSeekCoder[] = {kLineBreak, kSpaceLetters, kSpacePunctuation, kCjk, kNumber};
constexpr GgufPattern kDeepSeek3[] = {kThreeNumbers, kHanAndKana, kDeepSeek3Regex};
constexpr GgufPattern kYoutuSteps[] = {kYoutuAsian, kYoutu};
constexpr GgufPattern kPoro[] = {kBloom};
constexpr GgufPattern kViking[] = {kBloom, kNumber};
constexpr GgufPattern kChameleon[] = {kSentinel, kImage, kSpaces, kNumber, kEachPunctuation, kGpt2Regex};
constexpr GgufPattern kTinyAya[] = {kThousands, kO200kRegex};
constexpr GgufPattern kSuperBpe[] = {kNumbers, kThousandsOfDigits};
constexpr GgufPattern kBailingMoe[] = {kBailing};
constexpr GgufPattern kSeedCoderSteps[] = {kSeedCoder};
constexpr GgufPattern kAfmoe[] = {kThousandsOfNumbers, kAfmoeAsian, kDeepSeek3Regex};
constexpr GgufPattern kLaguna[] = {kLines, kQwen2Regex};
constexpr GgufPattern kExaoneMoeSteps[] = {kExaoneMoe};
constexpr GgufPattern kMiniCpm5Steps[] = {kThreeNumbers, kMiniCpm5};
constexpr GgufPattern kJais2Steps[] = {kJais2};
constexpr GgufPattern kKimiSteps[] = {kKimi};
constexpr GgufPattern kLinesOnly[] = {kLines};
constexpr GgufPattern kWords[] = {kNoSpaces};

constexpr GgufPreTokenizer LlamaThree(std::string_view name) {
  return {.name = name, .patterns = kLlama3, .ignore_merges = true, .add_bos = true};
}

constexpr std::array kAll = {
    GgufPreTokenizer{"default", kDefault},
    LlamaThree("llama3"),
    LlamaThree("llama-v3"),
    LlamaThree("llama-bpe"),
    LlamaThree("falcon3"),
    LlamaThree("falcon-h1"),
    LlamaThree("pixtral"),
    LlamaThree("midm-2.0"),
    LlamaThree("lfm2"),
    LlamaThree("jina-v5-nano"),
    GgufPreTokenizer{"minicpm5", kMiniCpm5Steps, true},
    GgufPreTokenizer{"deepseek-llm", kDeepSeekLlm},
    GgufPreTokenizer{"deepseek-coder", kDeepSeekCoder},
    GgufPreTokenizer{"deepseek-v3", kDeepSeek3},
    GgufPreTokenizer{"hunyuan-dense", kDeepSeek3},
    GgufPreTokenizer{"joyai-llm", kDeepSeek3},
    GgufPreTokenizer{"youtu", kYoutuSteps, true},
    GgufPreTokenizer{"falcon", kFalcon},
    GgufPreTokenizer{"mpt", kGpt2},
    GgufPreTokenizer{"gpt-2", kGpt2},
    GgufPreTokenizer{"phi-2", kGpt2},
    GgufPreTokenizer{"jina-es", kGpt2},
    GgufPreTokenizer{"jina-de", kGpt2},
    GgufPreTokenizer{"gigachat", kGpt2},
    GgufPreTokenizer{"jina-v2-es", kGpt2},
    GgufPreTokenizer{"jina-v2-de", kGpt2},
    GgufPreTokenizer{"a.x-4.0", kGpt2},
    GgufPreTokenizer{"mellum", kGpt2},
    GgufPreTokenizer{"modern-bert", kGpt2},
    GgufPreTokenizer{"exaone4", kGpt2},
    GgufPreTokenizer{"olmo", kGpt2},
    GgufPreTokenizer{"jais", kGpt2},
    GgufPreTokenizer{"trillion", kGpt2},
    GgufPreTokenizer{"granite-docling", kGpt2},
    GgufPreTokenizer{.name = "jina-v1-en", .patterns = kGpt2, .add_sep = true},
    GgufPreTokenizer{.name = "jina-v2-code", .patterns = kGpt2, .add_sep = true},
    GgufPreTokenizer{.name = "roberta-bpe", .patterns = kGpt2, .add_sep = true},
    GgufPreTokenizer{"starcoder", kStarCoder},
    GgufPreTokenizer{"refact", kStarCoder},
    GgufPreTokenizer{"command-r", kStarCoder},
    GgufPreTokenizer{"smollm", kStarCoder},
    GgufPreTokenizer{"codeshell", kStarCoder},
    GgufPreTokenizer{"exaone", kStarCoder},
    GgufPreTokenizer{"minerva-7b", kStarCoder},
    GgufPreTokenizer{"mellum2", kStarCoder},
    GgufPreTokenizer{"qwen2", kQwen2},
    GgufPreTokenizer{"deepseek-r1-qwen", kQwen2},
    GgufPreTokenizer{"kormo", kQwen2},
    GgufPreTokenizer{"f2llmv2", kQwen2},
    GgufPreTokenizer{"megrez", kQwen2},
    GgufPreTokenizer{"stablelm2", kQwen2},
    GgufPreTokenizer{"hunyuan", kQwen2},
    GgufPreTokenizer{"grok-2", kQwen2},
    GgufPreTokenizer{"solar-open", kQwen2},
    GgufPreTokenizer{"qwen35", kQwen35},
    GgufPreTokenizer{"dbrx", kLlama3},
    GgufPreTokenizer{"smaug-bpe", kLlama3},
    GgufPreTokenizer{"glm4", kLlama3},
    GgufPreTokenizer{"chatglm-bpe", kLlama3},
    GgufPreTokenizer{"jais-2", kJais2Steps},
    GgufPreTokenizer{"poro-chat", kPoro},
    GgufPreTokenizer{"bloom", kPoro},
    GgufPreTokenizer{"gpt3-finnish", kPoro},
    GgufPreTokenizer{"viking", kViking},
    GgufPreTokenizer{"tekken", kTekken, true, true},
    GgufPreTokenizer{.name = "chameleon", .patterns = kChameleon, .add_bos = true},
    GgufPreTokenizer{"gpt-4o", kO200k},
    GgufPreTokenizer{"llama4", kO200k},
    GgufPreTokenizer{"kanana2", kO200k},
    GgufPreTokenizer{"talkie", kO200k},
    GgufPreTokenizer{"minimax-m2", kO200k},
    GgufPreTokenizer{"granite-embed-multi-97m", kO200k, true},
    GgufPreTokenizer{"tiny_aya", kTinyAya},
    GgufPreTokenizer{"cohere2moe", kTinyAya},
    GgufPreTokenizer{"superbpe", kSuperBpe},
    GgufPreTokenizer{"bailingmoe", kBailingMoe},
    GgufPreTokenizer{"bailingmoe2", kBailingMoe},
    GgufPreTokenizer{"llada-moe", kBailingMoe},
    GgufPreTokenizer{"seed-coder", kSeedCoderSteps},
    GgufPreTokenizer{"kimi-k2", kKimiSteps},
    GgufPreTokenizer{"afmoe", kAfmoe},
    GgufPreTokenizer{"laguna", kLaguna},
    GgufPreTokenizer{"exaone-moe", kExaoneMoeSteps},
    GgufPreTokenizer{.name = "gemma4", .patterns = kLinesOnly, .add_bos = true, .spells_text = true},
    GgufPreTokenizer{.name = "granite-embed-multi-311m", .patterns = kLinesOnly, .add_bos = true, .spells_text = true},
    GgufPreTokenizer{.name = "sarvam-moe", .patterns = kLinesOnly, .spells_text = true},
    GgufPreTokenizer{.name = "whitespace", .patterns = kWords, .spells_text = true, .keeps_matches = true},
};

}  // namespace

const GgufPreTokenizer* FindGgufPreTokenizer(std::string_view name) {
  const auto* it = std::ranges::find(kAll, name, &GgufPreTokenizer::name);
  return it == kAll.end() ? nullptr : it;
}

std::vector<std::string_view> GgufPreTokenizerNames() {
  std::vector<std::string_view> names;
  for (const GgufPreTokenizer& pre : kAll) names.push_back(pre.name);
  return names;
}

std::vector<PreTokenizerStep> StepsOf(const GgufPreTokenizer& pre) {
  std::vector<PreTokenizerStep> steps;
  for (const GgufPattern& pattern : pre.patterns) {
    if (pattern.regex == kNumber.regex || pattern.regex == kNumbers.regex) {  // the same without a regular expression
      steps.emplace_back(SplitDigits{.individual = pattern.regex == kNumber.regex});
    } else {
      const std::string_view regex = pattern.known == KnownPattern::kNone ? pattern.regex : RegexOf(pattern.known);
      steps.emplace_back(
          SplitPattern{.pattern = {std::string(regex), true},
                       .behavior = pre.keeps_matches ? SplitBehavior::kRemoved : SplitBehavior::kIsolated,
                       .invert = pre.keeps_matches});
    }
  }
  return steps;
}

}  // namespace spate
