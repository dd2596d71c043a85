package dev.sluice.uplink.contract;

import java.lang.Character.UnicodeScript;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntPredicate;

/** What stands between the braces of <code>\p{…}</code> in ECMA 262, as the JDK's tables have it. Stateless. */
final class UnicodeProperty {
    /** General categories by what {@link Character#getType} says, short and long name. */
    private static final String[] CATEGORIES = {
        "Cn Unassigned",
        "Lu Uppercase_Letter",
        "Ll Lowercase_Letter",
        "Lt Titlecase_Letter",
        "Lm Modifier_Letter",
        "Lo Other_Letter",
        "Mn Nonspacing_Mark",
        "Me Enclosing_Mark",
        "Mc Spacing_Mark",
        "Nd Decimal_Number",
        "Nl Letter_Number",
        "No Other_Number",
        "Zs Space_Separator",
        "Zl Line_Separator",
        "Zp Paragraph_Separator",
        "Cc Control",
        "Cf Format",
        "",
        "Co Private_Use",
        "Cs Surrogate",
        "Pd Dash_Punctuation",
        "Ps Open_Punctuation",
        "Pe Close_Punctuation",
        "Pc Connector_Punctuation",
        "Po Other_Punctuation",
        "Sm Math_Symbol",
        "Sc Currency_Symbol",
        "Sk Modifier_Symbol",
        "So Other_Symbol",
        "Pi Initial_Punctuation",
        "Pf Final_Punctuation"
    };

    private static final String[] GROUPS = {
        "L Letter", "M Mark Combining_Mark", "N Number", "P Punctuation punct", "S Symbol", "Z Separator", "C Other"
    };
    private static final Map<String, IntPredicate> BINARY = Map.ofEntries(
            Map.entry("Any", _ -> true),
            Map.entry("Assigned", c -> Character.getType(c) != Character.UNASSIGNED),
            Map.entry("ASCII", c -> c < 0x80),
            Map.entry("ASCII_Hex_Digit", c -> c < 0x80 && Character.digit(c, 16) >= 0),
            Map.entry("Alphabetic", Character::isAlphabetic),
            Map.entry("Lowercase", Character::isLowerCase),
            Map.entry("Uppercase", Character::isUpperCase),
            Map.entry("Ideographic", Character::isIdeographic),
            Map.entry("ID_Start", Character::isUnicodeIdentifierStart),
            Map.entry("ID_Continue", c -> Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c)),
            Map.entry("White_Space", c -> Character.isSpaceChar(c) || c >= 9 && c <= 13 || c == 0x85),
            Map.entry("Emoji", Character::isEmoji),
            Map.entry("Emoji_Presentation", Character::isEmojiPresentation),
            Map.entry("Emoji_Modifier", Character::isEmojiModifier),
            Map.entry("Emoji_Modifier_Base", Character::isEmojiModifierBase),
            Map.entry("Emoji_Component", Character::isEmojiComponent),
            Map.entry("Extended_Pictographic", Character::isExtendedPictographic));
    private static final Map<String, String> SHORT = Map.of(
            "AHex",
            "ASCII_Hex_Digit",
            "Alpha",
            "Alphabetic",
            "Lower",
            "Lowercase",
            "Upper",
            "Uppercase",
            "Ideo",
            "Ideographic",
            "IDS",
            "ID_Start",
            "IDC",
            "ID_Continue",
            "space",
            "White_Space");

    private static final Map<String, IntPredicate> CATEGORY = categories();
    /** No more than there are names. */
    private static final Map<String, CodePoints> KNOWN = new ConcurrentHashMap<>();

    private UnicodeProperty() {}

    /** @throws PatternMistake if there is no such property */
    static CodePoints of(String expression) {
        var known = KNOWN.get(expression);
        if (known != null) return known;
        var members = CodePoints.of(predicate(expression));
        KNOWN.put(expression, members);
        return members;
    }

    /** @throws PatternMistake if there is no such property */
    static IntPredicate predicate(String expression) {
        var equals = expression.indexOf('=');
        var value = expression.substring(equals + 1);
        var found =
                switch (equals < 0 ? "" : expression.substring(0, equals)) {
                    case "" -> CATEGORY.getOrDefault(value, BINARY.get(SHORT.getOrDefault(value, value)));
                    case "General_Category", "gc" -> CATEGORY.get(value);
                    case "Script", "sc" -> script(value);
                    default -> null;
                };
        if (found == null) throw new PatternMistake("has \\p{" + expression + "}, a property that is not known here");
        return found;
    }

    private static IntPredicate script(String name) {
        try {
            var script = UnicodeScript.forName(name);
            return codePoint -> UnicodeScript.of(codePoint) == script;
        } catch (IllegalArgumentException _) {
            return null;
        }
    }

    private static Map<String, IntPredicate> categories() {
        var categories = new HashMap<String, IntPredicate>();
        for (int i = 0; i < CATEGORIES.length; i++) {
            var type = i;
            for (var name : CATEGORIES[i].split(" ")) categories.put(name, c -> Character.getType(c) == type);
        }
        categories.remove("");
        for (var group : GROUPS)
            for (var name : group.split(" "))
                categories.put(name, c -> CATEGORIES[Character.getType(c)].charAt(0) == group.charAt(0));
        IntPredicate cased = c -> Character.getType(c) >= 1 && Character.getType(c) <= 3;
        categories.put("LC", cased);
        categories.put("Cased_Letter", cased);
        return categories;
    }
}
