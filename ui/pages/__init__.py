"""The pages of the wizard, one file each."""

from __future__ import annotations

from ui.flow import Page
from ui.page import Services, WizardPage
from ui.pages.checks import ChecksPage
from ui.pages.choose_set import ChooseSetPage
from ui.pages.edit import EditPage
from ui.pages.profile import ProfilePage
from ui.pages.recovery import RecoveryPage
from ui.pages.result import ResultPage
from ui.pages.review import ReviewPage
from ui.pages.run import RunPage
from ui.pages.start import StartPage
from ui.pages.trouble import TroublePage
from ui.pages.verified import VerifiedPage
from ui.pages.verify import VerifyPage
from ui.pages.what import WhatPage

PAGES: dict[Page, type[WizardPage]] = {
    Page.RECOVERY: RecoveryPage,
    Page.START: StartPage,
    Page.PROFILE: ProfilePage,
    Page.EDIT: EditPage,
    Page.PROFILE: ProfilePage,
    Page.EDIT: EditPage,
    Page.WHAT: WhatPage,
    Page.CHECKS: ChecksPage,
    Page.REVIEW: ReviewPage,
    Page.RUN: RunPage,
    Page.RESULT: ResultPage,
    Page.CHOOSE_SET: ChooseSetPage,
    Page.VERIFY: VerifyPage,
    Page.VERIFIED: VerifiedPage,
    Page.TROUBLE: TroublePage,
}


def all_pages(services: Services) -> dict[Page, WizardPage]:
    """Return one page of each kind."""
    return {page: kind(services) for page, kind in PAGES.items()}
