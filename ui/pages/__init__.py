"""The pages of the wizard, one file each. A page is loaded and made when it is first shown: the window opens sooner."""

from __future__ import annotations

from ui.flow import Page
from ui.page import Services, WizardPage


def make_page(page: Page, services: Services) -> WizardPage:
    """Return a new page of that name."""
    match page:
        case Page.RECOVERY:
            from ui.pages.recovery import RecoveryPage

            return RecoveryPage(services)
        case Page.START:
            from ui.pages.start import StartPage

            return StartPage(services)
        case Page.PROFILE:
            from ui.pages.profile import ProfilePage

            return ProfilePage(services)
        case Page.EDIT:
            from ui.pages.edit import EditPage

            return EditPage(services)
        case Page.WHAT:
            from ui.pages.what import WhatPage

            return WhatPage(services)
        case Page.CHECKS:
            from ui.pages.checks import ChecksPage

            return ChecksPage(services)
        case Page.REVIEW:
            from ui.pages.review import ReviewPage

            return ReviewPage(services)
        case Page.RUN:
            from ui.pages.run import RunPage

            return RunPage(services)
        case Page.RESULT:
            from ui.pages.result import ResultPage

            return ResultPage(services)
        case Page.CHOOSE_SET:
            from ui.pages.choose_set import ChooseSetPage

            return ChooseSetPage(services)
        case Page.VERIFY:
            from ui.pages.verify import VerifyPage

            return VerifyPage(services)
        case Page.VERIFIED:
            from ui.pages.verified import VerifiedPage

            return VerifiedPage(services)
        case Page.TROUBLE:
            from ui.pages.trouble import TroublePage

            return TroublePage(services)
