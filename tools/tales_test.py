#!/usr/bin/env python3
"""Tests of tales.py: what of a Project Gutenberg book becomes training text."""

import unittest

import tales

LONG = "\n".join(["and so they went on through the wood for many days without meeting anyone at all,"] * 12)


def book(body):
    return ("The Project Gutenberg EBook of Tales\n\n*** START OF THIS PROJECT GUTENBERG EBOOK TALES ***\n\n\n\n" + body +
            "\n\n\n\nEnd of the Project Gutenberg EBook of Tales\n\n*** END OF THIS ***\nlicence\n").encode()


class TalesTest(unittest.TestCase):
    def test_headings_split_tales_and_are_dropped(self):
        made = tales.book_tales(book(f"CONTENTS\n\n{LONG}\n\n\n\nTHE FOX\n\nA fox lived here\n{LONG}\n\n\n\n"
                                     f"THE HEN\n\nA hen lived there\n{LONG}"))
        self.assertEqual([t[:18] for t in made], ["A fox lived here a", "A hen lived there "])
        self.assertNotIn("licence", "".join(made))

    def test_sections_stay_in_their_tale(self):
        made = tales.book_tales(book(f"THE FOX\n\nI\n\n\n{LONG}\n\n\n\nII\n\nThe second part.\n\n{LONG}"))
        self.assertEqual(len(made), 1)
        self.assertIn("The second part.", made[0])

    def test_short_pieces_and_notes_are_dropped(self):
        made = tales.book_tales(book(f"THE FOX\n\nToo short.\n\n\n\nTHE HEN\n\n{LONG}\n{LONG}\n{LONG}\n\n\n\n"
                                     f"NOTES AND REFERENCES\n\n{LONG}\n\n\n\nI. THE FOX\n\n{LONG}"))
        self.assertEqual(len(made), 1)

    def test_lines_are_joined_and_verse_is_kept(self):
        made = tales.book_tales(book(f"THE FOX\n\nOne line\nand another.\n\n   Snip, snap,\n   snout.\n\n{LONG}"))[0]
        self.assertTrue(made.startswith("One line and another.\n\nSnip, snap,\nsnout.\n\n"))

    def test_capitals_at_the_start_become_small(self):
        self.assertEqual(tales._paragraph("ONCE UPON A TIME there was"), "Once upon a time there was")
        self.assertEqual(tales._paragraph("There was"), "There was")
        self.assertEqual(tales._paragraph("I was"), "I was")

    def test_single_quotes_become_double(self):
        self.assertEqual(tales._double_quotes("'Don't!' said he, 'the fox's den.' ''Tis so,' he said."),
                         '"Don\'t!" said he, "the fox\'s den." "\'Tis so," he said.')
        self.assertEqual(tales._double_quotes('"Go," he said. \'Twas late.'), '"Go," he said. \'Twas late.')

    def test_text_becomes_ascii(self):
        made = tales.book_tales(book(f"THE FOX\n\nThe \u201ccaf\u00e9\u201d\u2014[12]it\u2019s _good_ \u2026 \n{LONG}"))[0]
        self.assertTrue(made.startswith('The "cafe"--it\'s good ...'), made[:40])


if __name__ == "__main__":
    unittest.main()
