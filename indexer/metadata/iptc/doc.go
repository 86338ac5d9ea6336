// Package iptc reads what IPTC-IIM records say about a picture: title, caption,
// keywords, author, place and date. Agencies and older programs write them, most often
// inside of Photoshop's image resources. XMP has taken their place, but archives are
// full of them.
package iptc
